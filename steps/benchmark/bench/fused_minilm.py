"""Writes MiniLM as it is usually made fast for a CPU in Python: ONNX Runtime's own fused operators, quantised by quantize_dynamic.

Usage: fused_minilm.py OUR_FP32_GRAPH OUT
The weights are those of our graph, so that its answers can be compared, too. Attention, with its queries, keys and values, GELU with its bias, and a
normalisation with the additions before it are one operator each, as onnxruntime.transformers.optimizer makes them of PyTorch's graph.
"""

import math
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

ours = onnx.load(sys.argv[1])
values = {w.name: numpy_helper.to_array(w) for w in ours.graph.initializer}
made_by = {name: node for node in ours.graph.node for name in node.output}
heads, (epsilon,) = int(values["split_heads"][2]), {a.f for n in ours.graph.node for a in n.attribute if a.name == "epsilon"}
nodes, weights = [], {}


def constants(output):
    """Adds the weights that make a value, and returns their names."""
    return [add(name, values[name]) for name in made_by[output].input if name in values]


def add(name, value):
    weights[name] = numpy_helper.from_array(np.ascontiguousarray(value, np.asarray(value).dtype), name)
    return name


def fused(op, inputs, output, **attributes):
    nodes.append(helper.make_node(op, inputs, [output], domain="com.microsoft", **attributes))
    return output


def norm(inputs, output, *bias):
    gain, shift = constants(output + "_gained") + constants(output)
    return fused("SkipLayerNormalization", inputs + [gain, shift, *bias], output, epsilon=epsilon)


def product(x, output):
    nodes.append(helper.make_node("MatMul", [x] + constants(output), [output]))
    return output


def layer(p, x):
    scale = math.sqrt(values[p + "q_weight"].shape[0] / heads)  # our queries carry it
    parts = [(values[p + k + "_weight"], values[p + k + "_bias"], scale if k == "q" else 1) for k in "qkv"]
    qkv = [add(p + "qkv", np.concatenate([w * np.float32(s) for w, _, s in parts], 1)), add(p + "qkv_bias", np.concatenate([b * np.float32(s) for _, b, s in parts]))]
    attended = fused("Attention", [x] + qkv + ["real"], p + "attention", num_heads=heads)
    x = norm([product(attended, p + "out_product"), x], p + "norm1", *constants(p + "out"))
    gelu = fused("BiasGelu", [product(x, p + "up_product")] + constants(p + "up"), p + "gelu")
    return norm([product(gelu, p + "down_product"), x], p + "norm2", *constants(p + "down"))


def copy(begin, end):
    """Copies our operators from the one that makes a value to the one that makes another."""
    at = [n.output[0] for n in ours.graph.node]
    for node in ours.graph.node[at.index(begin):at.index(end) + 1]:
        nodes.append(node)
        for name in node.input:
            if name in values:
                add(name, values[name])


copy(ours.graph.node[0].output[0], "embedded")
nodes.append(helper.make_node("Cast", ["is_token"], ["real"], to=TensorProto.INT32))
x, layers = "embedded", sum(n.op_type == "Erf" for n in ours.graph.node)
for i in range(layers):
    x = layer(f"l{i}_", x)
copy("mask_row", ours.graph.node[-1].output[0])
graph = helper.make_graph(nodes, "fused", ours.graph.input, ours.graph.output, list(weights.values()))
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8), sys.argv[2] + ".fp32")
quantize_dynamic(sys.argv[2] + ".fp32", sys.argv[2], per_channel=True, weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": TensorProto.FLOAT})
