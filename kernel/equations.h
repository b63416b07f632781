// Activations and losses, value and derivative side by side: core/equations.py, a vector at a time.
#pragma once

#include "elementary.h"

namespace chainrule {

// The order is that of the names in engines/compiled.py.
enum class Activation { identity, step, logistic, tanh, relu, leaky_relu, elu, selu, gelu, silu, softplus, exponential, softmax };
enum class Loss {
    half_squared_error, sum_of_squares, mean_of_squares, absolute_error, huber, quantile, poisson,
    binary_cross_entropy, categorical_cross_entropy,
    logistic_binary_cross_entropy, softmax_categorical_cross_entropy, perceptron_criterion
};

// ---- activations: a = f(z) and d = f'(z) ------------------------------------------------------------------------

template <class R>
CHAINRULE_INLINE Vector<R> logistic(Vector<R> z) {
    Vector<R> e = exp_of_negative<R>(-absolute<R>(z));
    Vector<R> s = R(1) / (R(1) + e);
    return z >= 0 ? s : e * s;
}

template <class R>
struct Identity {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const { a = z, d = all<R>(1); }
};
template <class R>
struct Step {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const { a = z >= 0 ? all<R>(1) : all<R>(0), d = all<R>(0); }
};
template <class R>
struct Logistic {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const { a = logistic<R>(z), d = a * (R(1) - a); }
};
template <class R>
struct Tanh {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const { a = tanh<R>(z), d = R(1) - a * a; }
};
template <class R>
struct ReLU {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const {
        a = z < 0 ? all<R>(0) : z, d = z <= 0 ? all<R>(0) : all<R>(1);
    }
};
template <class R>
struct LeakyReLU {
    R slope;
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const {
        a = z > 0 ? z : slope * z, d = z > 0 ? all<R>(1) : all<R>(slope);
    }
};
template <class R>
struct ELU {
    R alpha, scale;
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const {
        Vector<R> below = z > 0 ? all<R>(0) : z;
        a = scale * (z > 0 ? z : alpha * exp_minus_1_of_negative<R>(below));
        d = scale * (z > 0 ? all<R>(1) : alpha * exp_of_negative<R>(below));
    }
};
template <class R>
struct GELU {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const {
        Vector<R> p = normal_cdf<R>(z);
        a = z * p, d = p + z * normal_density<R>(z);
    }
};
template <class R>
struct SiLU {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const {
        Vector<R> s = logistic<R>(z);
        a = z * s, d = s * (R(1) + z * (R(1) - s));
    }
};
template <class R>
CHAINRULE_INLINE Vector<R> softplus(Vector<R> z) {
    return (z < 0 ? all<R>(0) : z) + log_1_plus<R>(exp_of_negative<R>(-absolute<R>(z)));
}
template <class R>
struct Softplus {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const { a = softplus<R>(z), d = logistic<R>(z); }
};
template <class R>
struct Exponential {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R>& a, Vector<R>& d) const { a = exp<R>(z), d = a; }
};

// Call `use` with the activation of that kind; softmax works on whole rows and is not among them.
template <class R, class Use>
inline void with_activation(Activation kind, R parameter, Use&& use) {
    switch (kind) {
        case Activation::identity: return use(Identity<R>{});
        case Activation::step: return use(Step<R>{});
        case Activation::logistic: return use(Logistic<R>{});
        case Activation::tanh: return use(Tanh<R>{});
        case Activation::relu: return use(ReLU<R>{});
        case Activation::leaky_relu: return use(LeakyReLU<R>{parameter});
        case Activation::elu: return use(ELU<R>{parameter, R(1)});
        case Activation::selu: return use(ELU<R>{R(1.6732632423543772), R(1.0507009873554805)});
        case Activation::gelu: return use(GELU<R>{});
        case Activation::silu: return use(SiLU<R>{});
        case Activation::softplus: return use(Softplus<R>{});
        case Activation::exponential: return use(Exponential<R>{});
        case Activation::softmax: return;
    }
}

// ---- losses: one output's part c of the cost, and its derivative dC/da, or delta = dC/dz where the loss is fused ---

template <class R>
CHAINRULE_INLINE Vector<R> sign(Vector<R> x) {
    return x > 0 ? all<R>(1) : x < 0 ? all<R>(-1) : x;  // 0 and NaN are their own
}
template <class R>
CHAINRULE_INLINE Vector<R> times_log(Vector<R> y, Vector<R> a) {  // 0 log 0 = 0
    return y == 0 ? all<R>(0) : y * log<R>(a);
}
template <class R>
CHAINRULE_INLINE Vector<R> ratio(Vector<R> y, Vector<R> a) {  // 0 / 0 = 0, the derivative of y log a
    return y == 0 ? all<R>(0) : y / a;
}

template <class R>
struct Squares {  // times 1/2, 1, or 1/n for n outputs
    R factor;
    CHAINRULE_INLINE void operator()(Vector<R>, Vector<R> a, Vector<R> y, Vector<R>& c, Vector<R>& d) const {
        Vector<R> e = a - y;
        c = factor * e * e, d = 2 * factor * e;
    }
};
template <class R>
struct AbsoluteError {
    CHAINRULE_INLINE void operator()(Vector<R>, Vector<R> a, Vector<R> y, Vector<R>& c, Vector<R>& d) const {
        c = absolute<R>(a - y), d = sign<R>(a - y);
    }
};
template <class R>
struct Huber {
    R width;
    CHAINRULE_INLINE void operator()(Vector<R>, Vector<R> a, Vector<R> y, Vector<R>& c, Vector<R>& d) const {
        Vector<R> e = a - y, size = absolute<R>(e);
        c = size <= width ? R(0.5) * e * e : width * (size - R(0.5) * width);
        d = size <= width ? e : width * sign<R>(e);
    }
};
template <class R>
struct Quantile {
    R q;
    CHAINRULE_INLINE void operator()(Vector<R>, Vector<R> a, Vector<R> y, Vector<R>& c, Vector<R>& d) const {
        Vector<R> e = a - y;
        c = e >= 0 ? (R(1) - q) * e : -q * e;
        d = sign<R>(e) * (e > 0 ? all<R>(R(1) - q) : all<R>(q));
    }
};
template <class R>
struct Poisson {
    CHAINRULE_INLINE void operator()(Vector<R>, Vector<R> a, Vector<R> y, Vector<R>& c, Vector<R>& d) const {
        c = a - times_log<R>(y, a), d = R(1) - ratio<R>(y, a);
    }
};
template <class R>
struct BinaryCrossEntropy {
    CHAINRULE_INLINE void operator()(Vector<R>, Vector<R> a, Vector<R> y, Vector<R>& c, Vector<R>& d) const {
        c = -(times_log<R>(y, a) + times_log<R>(R(1) - y, R(1) - a));
        d = ratio<R>(R(1) - y, R(1) - a) - ratio<R>(y, a);
    }
};
template <class R>
struct CategoricalCrossEntropy {
    CHAINRULE_INLINE void operator()(Vector<R>, Vector<R> a, Vector<R> y, Vector<R>& c, Vector<R>& d) const {
        c = -times_log<R>(y, a), d = -ratio<R>(y, a);
    }
};
template <class R>
struct LogisticBinaryCrossEntropy {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R> a, Vector<R> y, Vector<R>& c, Vector<R>& d) const {
        c = softplus<R>(z) - y * z, d = a - y;
    }
};
template <class R>
struct PerceptronCriterion {
    CHAINRULE_INLINE void operator()(Vector<R> z, Vector<R> a, Vector<R> y, Vector<R>& c, Vector<R>& d) const {
        c = (a - y) * z, d = a - y;
    }
};

inline bool is_fused(Loss kind) { return kind >= Loss::logistic_binary_cross_entropy; }

// Call `use` with the loss of that kind; softmax_categorical_cross_entropy works on whole rows and is not among them.
template <class R, class Use>
inline void with_loss(Loss kind, R parameter, long outputs, Use&& use) {
    switch (kind) {
        case Loss::half_squared_error: return use(Squares<R>{R(0.5)});
        case Loss::sum_of_squares: return use(Squares<R>{R(1)});
        case Loss::mean_of_squares: return use(Squares<R>{R(1) / R(outputs)});
        case Loss::absolute_error: return use(AbsoluteError<R>{});
        case Loss::huber: return use(Huber<R>{parameter});
        case Loss::quantile: return use(Quantile<R>{parameter});
        case Loss::poisson: return use(Poisson<R>{});
        case Loss::binary_cross_entropy: return use(BinaryCrossEntropy<R>{});
        case Loss::categorical_cross_entropy: return use(CategoricalCrossEntropy<R>{});
        case Loss::logistic_binary_cross_entropy: return use(LogisticBinaryCrossEntropy<R>{});
        case Loss::perceptron_criterion: return use(PerceptronCriterion<R>{});
        case Loss::softmax_categorical_cross_entropy: return;
    }
}

}  // namespace chainrule
