"""What it means for two models to be the same training."""


def same_bits(a, b):
    """The same weights, bit for bit."""
    return all(p.tobytes() == q.tobytes() for p, q in zip(a.network.parameters, b.network.parameters, strict=True))


def same_training(a, b):
    """The same in everything but the time it took."""
    (x, y) = ([row[:-1] for row in model.history] for model in (a, b))
    p, q = a.provenance, b.provenance
    return (
        same_bits(a, b)
        and repr(x) == repr(y)  # NaN where nothing was measured
        and a.encoding == b.encoding
        and a.test == b.test
        and a.plan == b.plan
        and (p.source, p.rows, p.engine, p.stopped, p.best_epoch, p.starts, p.notes)
        == (q.source, q.rows, q.engine, q.stopped, q.best_epoch, q.starts, q.notes)
        and all(m.dtype == n.dtype for m, n in zip(a.network.parameters, b.network.parameters, strict=True))
    )


DIVERGING = {"activation": "relu", "update": "gradient_descent", "learning_rate": 1e9, "output_activation": "identity",
             "loss": "half_squared_error"}  # fmt: skip


def interrupt_at_call(monkeypatch, number):
    """Press Ctrl-C while the compiled engine is called for this time, counted from 1."""
    from chainrule.training import loop

    calls, advance = [], loop.advance

    def pressed(*args, **settings):
        calls.append(1)
        if len(calls) == number:
            raise KeyboardInterrupt
        return advance(*args, **settings)

    monkeypatch.setattr(loop, "advance", pressed)
