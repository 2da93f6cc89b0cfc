"""What was measured, as text: a table of ratios, all variants below it, and the drawn networks."""

import statistics

PEERS = ("PyTorch", "JAX", "scikit-learn")


def quartiles(values):
    return statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3


def timed(result, peer=None):
    """Variants that were timed, by name."""
    return {
        name: own
        for name, own in result["variants"].items()
        if own.get("step_seconds") and peer in (None, own["peer"])
    }


def best(result, peer, key="step_seconds"):
    """Name and facts of a library's fastest variant, if any was timed."""
    found = [item for item in timed(result, peer).items() if item[1][key]]
    return min(found, key=lambda item: statistics.median(item[1][key]), default=None)


def ratios(result, peer, key="step_seconds"):
    """By rounds, how many times as long as nnc a library takes, each in its best variant."""
    ours, theirs = best(result, "nnc", key), best(result, peer, key)
    if not ours or not theirs:
        return None
    return [b / a for a, b in zip(ours[1][key], theirs[1][key])]


def number(value):
    """Three figures, and all before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values):
    low, middle, high = quartiles(values)
    return f"**{number(middle)}** ({number(low)} to {number(high)})"


def microseconds(values):
    return number(statistics.median(values) * 1e6)


def limit_share(result, own):
    """Percent of what the threads' cores could multiply and add."""
    if not result["limit_flops"]:
        return "–"
    flops = result["product_flops"] / statistics.median(own["step_seconds"])
    return f"{100 * flops / result['limit_flops'] / own['threads']:.0f}%"


def variant_text(name, own):
    words = name.split(" ", 1)[1] if own["peer"] != "scikit-learn" else name.split(" ", 1)[1]
    return f"{microseconds(own['step_seconds'])} ({words})"


def short(result):
    """One network for the terminal."""
    lines = []
    for name, own in result["variants"].items():
        if own.get("step_seconds"):
            text = f"{microseconds(own['step_seconds']):>12} µs a step"
            text += f", {len(own['step_seconds'])} rounds, losses {own['losses_apart']:.0e} apart"
        else:
            text = f"{'':>12} " + own.get("void", own.get("failed", "not timed"))
        lines.append(f"    {name:<26}{text}")
    for peer in PEERS:
        found = ratios(result, peer)
        if found:
            low, middle, high = map(number, quartiles(found))
            lines.append(f"    {peer} takes {middle} times as long as nnc ({low} to {high})")
    return "\n".join(lines)


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def times_table(networks):
    rows = []
    for name, result in networks.items():
        ours = best(result, "nnc")
        if not ours:
            rows.append([name, "void", *[""] * (2 + len(PEERS))])
            continue
        samples = result["batch"] / statistics.median(ours[1]["step_seconds"])
        row = [name, variant_text(*ours), f"{samples:,.0f}", limit_share(result, ours[1])]
        for peer in PEERS:
            found = ratios(result, peer)
            theirs = best(result, peer)
            row.append(f"{spread(found)}; {variant_text(*theirs)}" if found else "–")
        rows.append(row)
    header = ["network", "nnc, µs a step", "samples a second", "of the FMA limit", *PEERS]
    return table(header, rows)


def variants_table(networks):
    rows = []
    for network, result in networks.items():
        for name, own in result["variants"].items():
            if own.get("step_seconds"):
                low, middle, high = (number(1e6 * value) for value in quartiles(own["step_seconds"]))
                row = [f"{middle} ({low} to {high})", str(len(own["step_seconds"]))]
                row += [f"{own['losses_apart']:.0e}", f"{own['load_seconds']:.2f}"]
                row += [limit_share(result, own)]
            else:
                row = [own.get("void", own.get("failed", "not timed")), "", "", "", ""]
            rows.append([network, name, *row])
    header = ["network", "variant", "µs a step", "rounds", "losses apart"]
    return table([*header, "seconds to load and compile", "of the FMA limit"], rows)


def drawn_table(networks):
    rows = []
    for name, result in networks.items():
        found = ratios(result, "JAX")
        cells = ["void", "", ""]
        if found:
            cells = [spread(found)]
            cells += [variant_text(*best(result, peer)) for peer in ("nnc", "JAX")]
        rows.append([name, *cells])
    return table(["network", "JAX / nnc", "nnc, µs a step", "JAX, µs a step"], rows)


def drawn_ratios(networks):
    """The median ratio of every drawn network that was timed, by name."""
    found = {name: ratios(result, "JAX") for name, result in networks.items()}
    return {name: statistics.median(values) for name, values in found.items() if values}


def drawn_summary(networks):
    found = drawn_ratios(networks)
    middle = statistics.median(found.values())
    least = min(found, key=found.get)
    below = sorted(value for value in found.values() if value < 1)
    return (
        f"{len(found)} of {len(networks)} were timed; the median ratio is {middle:.2f}, "
        f"{len(below)} are below 1, {sum(value < 0.9 for value in below)} below 0.9; "
        f"the least is {found[least]:.2f} (`{least}`)."
    )


def rows_text(networks):
    """The prediction of single rows."""
    lines = []
    for name, result in networks.items():
        for peer in ("nnc", *PEERS):
            found = best(result, peer, "row_seconds")
            if found:
                low, middle, high = (1e6 * value for value in quartiles(found[1]["row_seconds"]))
                text = f"{number(middle)} µs ({number(low)} to {number(high)}; {found[0]})"
                lines.append(f"- {peer}, one row through {name.split()[0]}: {text}")
    return "\n".join(lines)


def machine_text(networks):
    """On what and when; one line for every state that figures come from."""
    found = {}
    for result in networks.values():
        facts = result["machine"]
        versions = ", ".join(f"{name} {value}" for name, value in facts["versions"].items())
        text = f"{facts['date']}, {facts['cores']} cores of {facts['processor']}, "
        text += f"nnc at {facts['commit']}, {versions}, Python {facts['python']}"
        found[text] = None
    limits = [result["limit_flops"] for result in networks.values() if result["limit_flops"]]
    text = "\n".join(f"- {text}" for text in found)
    return f"{text}\n- FMA limit of a core: {statistics.median(limits) / 1e9:.0f} GFLOP/s" if limits else text


def markdown(results):
    networks = results["networks"]
    fixed = {name: result for name, result in networks.items() if not result["drawn"]}
    drawn = {name: result for name, result in networks.items() if result["drawn"]}
    parts = ["# nnc and its peers", machine_text(networks)]
    parts.append(
        "A ratio says how many times as long as nnc the peer takes, each in its best variant: the median "
        "over the rounds, and the quartiles."
    )
    if fixed:
        parts += ["## Networks that someone chose", times_table(fixed), rows_text(fixed)]
    if "start_seconds" in results:
        low, middle, high = (f"{1e3 * value:.1f}" for value in results["start_seconds"])
        parts.append(
            f"- `nnc run` of the thermometer with one epoch, from the start of the process to its end: "
            f"{middle} ms ({low} to {high})"
        )
    if drawn:
        parts += ["## Networks drawn by a seed", drawn_summary(drawn), drawn_table(drawn)]
    parts += ["## All variants", variants_table(networks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def write(folder, results):
    """The text, and the picture where something was measured."""
    if not results["networks"]:
        return
    (folder / "results.md").write_text(markdown(results))
    from picture import draw

    draw(results["networks"], folder)
    print(f"written: {folder}/results.json, results.md, results.svg, results.png")
