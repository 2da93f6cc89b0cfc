//! Which of the processor's instruction sets the kernels use.

use std::sync::OnceLock;

use pulp::Arch;

/// The environment variable that names an instruction set, for comparisons and for debugging.
pub const INSTRUCTION_SET: &str = "NNC_ISA";

/// The instruction sets that this machine has, the best first, with their names.
pub(super) fn available() -> Vec<(&'static str, Arch)> {
    let mut available = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        available.extend(pulp::x86::V4::try_new().map(|set| ("avx512", Arch::V4(set))));
        available.extend(pulp::x86::V3::try_new().map(|set| ("avx2", Arch::V3(set))));
    }
    #[cfg(target_arch = "aarch64")]
    available.extend(pulp::aarch64::Neon::try_new().map(|set| ("neon", Arch::Neon(set))));
    available.push(("scalar", Arch::Scalar));
    available
}

/// The instruction set that the environment asks for, else the best. An empty value asks for none.
///
/// # Errors
/// The environment asks for one that is unknown or that this machine does not have: the text of it.
pub fn check_instruction_set() -> Result<&'static str, String> {
    let available = available();
    let wanted = std::env::var_os(INSTRUCTION_SET).filter(|wanted| !wanted.is_empty());
    let Some(wanted) = wanted else {
        return Ok(available[0].0);
    };
    let found = available.iter().find(|(name, _)| wanted == *name);
    found.map(|(name, _)| *name).ok_or_else(|| {
        let names: Vec<&str> = available.iter().map(|(name, _)| *name).collect();
        format!(
            "{INSTRUCTION_SET} is \"{}\"; this machine has {}",
            wanted.display(),
            names.join(", ")
        )
    })
}

/// The instruction set in use, chosen once; the best if the environment's wish cannot be met.
pub(super) fn chosen() -> Arch {
    static CHOSEN: OnceLock<Arch> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let available = available();
        let name = check_instruction_set().unwrap_or(available[0].0);
        let chosen = available.iter().find(|(found, _)| *found == name);
        chosen.map_or(Arch::Scalar, |(_, arch)| *arch)
    })
}
