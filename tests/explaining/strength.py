"""How many examples of a property are tried: few in a plain run, many in `make test-all`."""

import pytest
from hypothesis import given, settings


def few_and_many(few, many, *strategies, **options):
    """Decorate a property as a test with few examples; its `many` is the same as a long test."""

    def tests(check):
        def trying(count):
            return settings(max_examples=count, deadline=None, **options)(given(*strategies)(check))

        test = trying(few)
        test.many = pytest.mark.long(trying(many))
        return test

    return tests
