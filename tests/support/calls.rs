//! Calls of catalog entries as models write them: by the name of the entry, every argument that
//! changes its meaning given at least once.
#![allow(dead_code)]

/// Calls of an entry; none for one that this table does not know.
pub fn calls(name: &str) -> &'static [&'static str] {
    match name {
        "Tanh" => &["Tanh"],
        "Sigmoid" => &["Sigmoid"],
        "ReLU" => &["ReLU"],
        "LeakyReLU" => &[
            "LeakyReLU",
            "LeakyReLU(0.3)",
            "LeakyReLU(negative_slope = -0.2)",
        ],
        "ELU" => &["ELU", "ELU(0.4)", "ELU(alpha = 2)"],
        "GELU" => &["GELU", "GELU(approximate = tanh)"],
        "SiLU" => &["SiLU"],
        "Softplus" => &[
            "Softplus",
            "Softplus(beta = 2.5)",
            "Softplus(beta = 3, threshold = 1)",
        ],
        "Hardtanh" => &[
            "Hardtanh",
            "Hardtanh(min_val = -0.3, max_val = 0.6)",
            "Hardtanh(min_val = 0.05)",
        ],
        "Linear" => &["Linear(3)", "Linear(3, bias = false)"],
        "Ones" => &["Ones"],
        "Identity" => &["Identity"],
        "Softmax" => &["Softmax"],
        "LogSoftmax" => &["LogSoftmax"],
        "Flatten" => &["Flatten"],
        "Dropout" => &["Dropout", "Dropout(0.25)", "Dropout(p = 0)"],
        "BatchNorm1d" => &[
            "BatchNorm1d",
            "BatchNorm1d(affine = false)",
            "BatchNorm1d(eps = 0.1, momentum = 0.4)",
        ],
        "LayerNorm" => &[
            "LayerNorm",
            "LayerNorm(eps = 0.1, bias = false)",
            "LayerNorm(elementwise_affine = false)",
        ],
        "RMSNorm" => &[
            "RMSNorm",
            "RMSNorm(eps = 0.2)",
            "RMSNorm(elementwise_affine = false)",
        ],
        "GroupNorm" => &["GroupNorm(1)", "GroupNorm(1, eps = 0.3, affine = false)"],
        "MSE" => &["MSE"],
        "L1" => &["L1"],
        "Huber" => &["Huber", "Huber(delta = 0.3)"],
        "CrossEntropy" => &["CrossEntropy", "CrossEntropy(label_smoothing = 0.2)"],
        "BCEWithLogits" => &["BCEWithLogits"],
        "SGD" => &[
            "SGD",
            "SGD(lr = 0.1)",
            "SGD(lr = 0.1, weight_decay = 0.2)",
            "SGD(lr = 0.05, momentum = 0.9)",
            "SGD(lr = 0.05, momentum = 0.8, dampening = 0.3, weight_decay = 0.1)",
            "SGD(lr = 0.05, momentum = 0.7, nesterov = true)",
            "SGD(lr = 0.01, momentum = 0.5, maximize = true)",
        ],
        "Adam" => &[
            "Adam",
            "Adam(lr = 0.02)",
            "Adam(lr = 0.02, betas = [0.7, 0.95], eps = 1e-3)",
            "Adam(lr = 0.01, weight_decay = 0.1)",
            "Adam(lr = 0.02, betas = [0.8, 0.3], amsgrad = true)",
            "Adam(lr = 0.01, maximize = true)",
        ],
        "AdamW" => &[
            "AdamW",
            "AdamW(lr = 0.02)",
            "AdamW(lr = 0.02, weight_decay = 0)",
            "AdamW(lr = 0.02, weight_decay = 0.3, betas = [0.8, 0.9], eps = 1e-2)",
            "AdamW(lr = 0.02, betas = [0.8, 0.3], amsgrad = true)",
            "AdamW(lr = 0.01, maximize = true)",
        ],
        "XavierUniform" => &["XavierUniform", "XavierUniform(gain = 1.5)"],
        "XavierNormal" => &["XavierNormal", "XavierNormal(gain = 0.5)"],
        "KaimingUniform" => &[
            "KaimingUniform",
            "KaimingUniform(a = 0.5)",
            "KaimingUniform(mode = fan_out, nonlinearity = tanh)",
            "KaimingUniform(nonlinearity = linear)",
        ],
        "KaimingNormal" => &[
            "KaimingNormal",
            "KaimingNormal(a = 0.2, mode = fan_out)",
            "KaimingNormal(nonlinearity = relu)",
            "KaimingNormal(nonlinearity = selu)",
            "KaimingNormal(nonlinearity = sigmoid)",
        ],
        "Zeros" => &["Zeros"],
        "Constant" => &["Constant(0.25)", "Constant(-0.1)"],
        _ => &[],
    }
}
