"""A trained network for other tools: an ONNX graph, or one file of plain C, JavaScript or Python."""

from chainrule.models.export.c_code import to_c
from chainrule.models.export.javascript_code import to_javascript
from chainrule.models.export.onnx_graph import to_onnx
from chainrule.models.export.python_code import to_python
from chainrule.models.export.skl2onnx_converters import register_with_skl2onnx

__all__ = ["register_with_skl2onnx", "to_c", "to_javascript", "to_onnx", "to_python"]
