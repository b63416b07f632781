"""The update rules of `core.update_rules` as equations: eta, the gradient, the rule's constants and its state."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.explaining.expressions import (
    ONE,
    Expression,
    Function,
    Negative,
    Number,
    Power,
    Quotient,
    Sum,
    Symbol,
    multiply,
    square,
)

States = dict[str, Symbol]
Constants = tuple[float, ...]


def _gradient_descent(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    return Negative(multiply(eta, g))


def _momentum(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    return Sum((multiply(Number(c[0]), s["v"]), Negative(multiply(eta, g))))


def _nesterov(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    return Sum((multiply(Number(c[0]), _momentum(eta, g, c, s, t)), Negative(multiply(eta, g))))


def _running(share: float, before: Symbol, new: Expression) -> Expression:
    return Sum((multiply(Number(share), before), multiply(Sum((ONE, Negative(Number(share)))), new)))


def _rmsprop(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    rho, epsilon = c
    root = Function("sqrt", _running(rho, s["mean_square"], square(g)))
    return Negative(Quotient(multiply(eta, g), Sum((root, Number(epsilon)))))


def _adam(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    beta_1, beta_2, *epsilons = c

    def share(beta: float) -> Expression:
        return Sum((ONE, Negative(Power(Number(beta), Number(float(t))))))

    def full(beta: float, running: Expression) -> Expression:
        return Quotient(running, share(beta))

    m = full(beta_1, _running(beta_1, s["mean"], g))
    root = Function("sqrt", full(beta_2, _running(beta_2, s["mean_square"], square(g))))
    made: tuple[Expression, Expression] = (
        Number(epsilons[0]),
        Quotient(Number(epsilons[1]), Function("sqrt", share(beta_2))),
    )
    added: list[Expression] = [term for term, epsilon in zip(made, epsilons, strict=True) if epsilon]
    return Negative(multiply(eta, Quotient(m, Sum((root, *(added or [Number(0.0)]))))))


def _rprop(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    return Negative(multiply(eta, Function("sign", g), s["step"]))


RULE_EQUATIONS: dict[str, tuple[Callable[..., Expression], tuple[str, ...]]] = {
    "gradient_descent": (_gradient_descent, ()),
    "momentum": (_momentum, ("v",)),
    "nesterov": (_nesterov, ("v",)),
    "rmsprop": (_rmsprop, ("mean_square",)),
    "adam": (_adam, ("mean", "mean_square")),
    "adamw": (_adam, ("mean", "mean_square")),
    "rprop": (_rprop, ("step",)),
}
