// Update rules: core/update_rules.py, a vector of weights at a time.
#pragma once

#include "vectors.h"

namespace chainrule {

enum class Rule { gradient_descent, momentum, nesterov, rmsprop, adam, adamw, rprop };

// How many arrays of its own a rule keeps for each array of parameters.
inline int arrays_kept(Rule rule) {
    switch (rule) {
        case Rule::gradient_descent: return 0;
        case Rule::momentum:
        case Rule::nesterov:
        case Rule::rmsprop: return 1;
        default: return 2;
    }
}

// Each returns the change of the weights w for their gradient g; s1 and s2 are what the rule remembers of them.

template <class R>
struct GradientDescent {
    R eta;
    Vector<R> operator()(Vector<R> g, R*, R*) const { return -eta * g; }
};
template <class R>
struct Momentum {
    R eta, mu;
    bool ahead;  // Nesterov's form
    Vector<R> operator()(Vector<R> g, R* velocity, R*) const {
        Vector<R> v = mu * load(velocity) - eta * g;
        store<R>(velocity, v);
        return ahead ? mu * v - eta * g : v;
    }
};
template <class R>
struct RMSprop {
    R eta, rho, rest, epsilon;  // rest = 1 - rho, rounded once
    Vector<R> operator()(Vector<R> g, R* mean_square, R*) const {
        Vector<R> s = rho * load(mean_square) + rest * g * g;
        store<R>(mean_square, s);
        return -eta * g / (square_root<R>(s) + epsilon);
    }
};
template <class R>
struct Adam {
    R eta, beta_1, beta_2, epsilon;
    R m_full, s_full;  // after t updates a running mean holds the share 1 - beta^t of a full one; its reciprocal
    R rest_1, rest_2;  // 1 - beta, rounded once
    Vector<R> operator()(Vector<R> g, R* mean, R* mean_square) const {
        Vector<R> m = beta_1 * load(mean) + rest_1 * g;
        Vector<R> s = beta_2 * load(mean_square) + rest_2 * g * g;
        store<R>(mean, m);
        store<R>(mean_square, s);
        return -eta * (m * m_full) / (square_root<R>(s * s_full) + epsilon);
    }
};
template <class R>
struct Rprop {
    R eta, grow, shrink, most, least;
    Vector<R> operator()(Vector<R> g, R* steps, R* before) const {
        Vector<R> agreement = g * load(before), d = load(steps);
        d = agreement > 0 ? d * grow : agreement < 0 ? d * shrink : d;
        d = d > most ? all<R>(most) : d < least ? all<R>(least) : d;
        g = agreement < 0 ? all<R>(0) : g;
        store<R>(steps, d);
        store<R>(before, g);
        return -eta * (g > 0 ? d : g < 0 ? -d : g);
    }
};

// base^t for one t after the other; the same for a t whatever came before it.
class Powers {
  public:
    explicit Powers(double base = 0) {
        for (int i = 0; i < 64; i++) low_[i] = i ? low_[i - 1] * base : 1;
        of_64_ = low_[63] * base;
    }
    double operator()(long t) {
        if (t / 64 != high_is_for_) {
            high_is_for_ = t / 64, high_ = 1;
            double square = of_64_;
            for (long n = high_is_for_; n; n >>= 1, square *= square)
                if (n & 1) high_ *= square;
        }
        return high_ * low_[t % 64];
    }

  private:
    double low_[64], of_64_, high_ = 1;
    long high_is_for_ = 0;
};

// Call `use` with the rule; `updates` counts this one, and `powers` are those of the rule's first two constants.
template <class R, class Use>
inline void with_rule(Rule rule, const double* constants, double eta, long updates, Powers* powers, Use&& use) {
    const double* c = constants;
    switch (rule) {
        case Rule::gradient_descent: return use(GradientDescent<R>{R(eta)});
        case Rule::momentum: return use(Momentum<R>{R(eta), R(c[0]), false});
        case Rule::nesterov: return use(Momentum<R>{R(eta), R(c[0]), true});
        case Rule::rmsprop: return use(RMSprop<R>{R(eta), R(c[0]), R(1 - c[0]), R(c[1])});
        case Rule::adam:
        case Rule::adamw: {
            const double m_share = 1 - powers[0](updates), s_share = 1 - powers[1](updates);
            const R epsilon = R(c[2] + c[3] / std::sqrt(s_share));
            return use(Adam<R>{R(eta), R(c[0]), R(c[1]), epsilon, R(1 / m_share), R(1 / s_share), R(1 - c[0]), R(1 - c[1])});
        }
        case Rule::rprop: return use(Rprop<R>{R(eta), R(c[0]), R(c[1]), R(c[2]), R(c[3])});
    }
}

}  // namespace chainrule
