from __future__ import annotations

import math
from dataclasses import asdict

import pytest
import torch

from strokes.network import NetworkConfig, RecurrentState, StrokeNetwork, cuda_graphs, recurrent
from strokes.network.lstm import lstm_layer, lstm_layer_plain
from strokes.network.matmul import repeated_matmul
from strokes.network.recurrent import AttentionWeights, attention_layer, attention_layer_plain

CONFIG = NetworkConfig(hidden=7, window_components=3, mixture_components=2, kappa_bias=-1.0)
SYMBOLS = 5


@pytest.fixture
def network():
    torch.manual_seed(0)
    return StrokeNetwork(SYMBOLS, CONFIG).double()


def lines(network, points=12, lengths=(4, 6, 2), seed=1):
    """Made-up offsets (B, T, 3) and text one-hot."""
    g = torch.Generator().manual_seed(seed)
    offsets = torch.randn((len(lengths), points, 3), generator=g, dtype=torch.float64)
    offsets[..., 2] = (offsets[..., 2] > 1).double()
    ids = torch.randint(0, SYMBOLS, (len(lengths), max(lengths)), generator=g)
    own = network.output_bias
    return offsets.to(own.dtype), network.encode(ids.to(own.device), torch.tensor(lengths, device=own.device))


def carried(network, batch=3, seed=2):
    """A state such as is found in the middle of a line."""
    g = torch.Generator().manual_seed(seed)
    state = RecurrentState(
        *(torch.randn(t.shape, generator=g, dtype=t.dtype) * 0.5 for t in network.initial_state(batch))
    )
    return state._replace(kappa=state.kappa.abs() * 2)


def assert_close(a, b, tolerance):
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


def layer(network):
    names = [f"layer1_{n}" for n in ("offsets", "window", "hidden", "bias")]
    names += ["window_projection", "window_bias"]
    return AttentionWeights(*(getattr(network, n).detach().clone().requires_grad_() for n in names))


def test_hand_written_backward_is_autograds(network):
    offsets, text = lines(network)
    x = offsets.transpose(0, 1)
    state = carried(network)
    g = torch.Generator().manual_seed(3)
    d_hidden = torch.randn((12, 3, 7), generator=g, dtype=torch.float64)
    d_window = torch.randn((12, 3, SYMBOLS), generator=g, dtype=torch.float64)
    results = []
    for loop in (attention_layer_plain, lambda *a: attention_layer(*a, torch.float64)):
        weights = layer(network)
        out = loop(weights, x, text, state)
        ((out.hidden * d_hidden).sum() + (out.window * d_window).sum()).backward()
        results.append((out, [w.grad for w in weights]))
    (plain, plain_gradients), (fast, fast_gradients) = results
    for a, b in zip(
        (plain.hidden, plain.window, plain.last_cell, *plain.parameters),
        (fast.hidden, fast.window, fast.last_cell, *fast.parameters),
    ):
        assert_close(a, b, 1e-12)
    for a, b in zip(plain_gradients, fast_gradients):
        assert a.abs().max() > 1e-3
        assert_close(a, b, 1e-10)


def test_fast_network_is_the_plain_one_in_outputs_state_and_every_gradient(network):
    offsets, text = lines(network)
    state = carried(network)
    found = []
    for plain in (True, False):
        network.zero_grad()
        out = network(offsets, text, state, plain=plain)
        network.mixture(out.outputs[:, :-1]).log_prob(offsets[:, 1:]).sum().backward()
        found.append((out, {n: p.grad.clone() for n, p in network.named_parameters()}))
    (plain, plain_gradients), (fast, fast_gradients) = found
    for a, b in zip((plain.outputs, *plain.state, *plain.window), (fast.outputs, *fast.state, *fast.window)):
        assert_close(a, b, 1e-10)
    for name, gradient in plain_gradients.items():
        assert gradient.abs().max() > 0, name
        assert_close(gradient, fast_gradients[name], 1e-10)


def test_blocks_of_a_cuda_graph_are_the_plain_network(network, monkeypatch):
    """What a graph would replay is run as it is: its memory, the copies into and out of it, and blocks
    that run past the end are the same. 12 points are two blocks and a part of a third.
    """
    monkeypatch.setattr(cuda_graphs, "_STEPS", 5)
    monkeypatch.setattr(cuda_graphs, "_capture", lambda work: work)
    monkeypatch.setattr(cuda_graphs, "_graphs", type(cuda_graphs._graphs)())
    monkeypatch.setattr(recurrent, "use_graphs", lambda device: True)
    spoilt, text = lines(network)
    network(spoilt * math.nan, text).outputs.sum().backward()  # must leave nothing behind
    for seed in (1, 2):
        with torch.no_grad():
            for p in network.parameters():
                p.mul_(1.1)  # a step of training: the graphs are kept, the weights are others
        offsets, text = lines(network, seed=seed)
        state = carried(network, seed=seed)
        found = []
        for plain in (True, False):
            network.zero_grad()
            first = network(offsets, text, state, plain=plain)
            second = network(offsets[:, :7], text, first.state.detach(), plain=plain)
            # The second chunk goes forwards before the first goes backwards.
            (
                network.mixture(first.outputs).log_prob(offsets).sum()
                + network.mixture(second.outputs).log_prob(offsets[:, :7]).sum()
            ).backward()
            found.append((second, {n: p.grad.clone() for n, p in network.named_parameters()}))
        (plain, plain_gradients), (graph, graph_gradients) = found
        assert len(cuda_graphs._graphs) == 1
        for a, b in zip(
            (plain.outputs, *plain.state, *plain.window), (graph.outputs, *graph.state, *graph.window)
        ):
            assert_close(a, b, 1e-10)
        for name, gradient in plain_gradients.items():
            assert_close(gradient, graph_gradients[name], 1e-10)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_cuda_the_network_is_the_plain_one(network):
    network.cuda()
    offsets, text = (t.cuda() for t in lines(network, points=70))
    found = []
    for plain in (True, False):
        network.zero_grad()
        out = network(offsets, text, plain=plain)
        network.mixture(out.outputs[:, :-1]).log_prob(offsets[:, 1:]).sum().backward()
        found.append((out, {n: p.grad.clone() for n, p in network.named_parameters()}))
    (plain, plain_gradients), (fast, fast_gradients) = found
    assert_close(plain.outputs, fast.outputs, 1e-8)
    for name, gradient in plain_gradients.items():
        assert_close(gradient, fast_gradients[name], 1e-8)


def test_few_graphs_are_kept_and_texts_of_like_length_share_one(network, monkeypatch):
    monkeypatch.setattr(cuda_graphs, "_capture", lambda work: work)
    monkeypatch.setattr(cuda_graphs, "_graphs", type(cuda_graphs._graphs)())
    monkeypatch.setattr(recurrent, "use_graphs", lambda device: True)
    with torch.no_grad():
        for longest in (3, 16, 17, 31, 32):
            network(*lines(network, lengths=(2, longest)))
        assert len(cuda_graphs._graphs) == 2
        for batch in range(3, 20):
            network(*lines(network, lengths=(2,) * batch))
    assert len(cuda_graphs._graphs) == cuda_graphs._KEPT


@pytest.mark.parametrize("library", [True, False])
def test_an_lstm_layer_is_its_equations(library):
    g = torch.Generator().manual_seed(6)
    x, *rest = (
        torch.randn(shape, generator=g, dtype=torch.float64) * 0.7
        for shape in ((23, 4, 6), (4, 5), (4, 5), (20, 6), (20, 5), (20,))
    )
    h, c, *weights = rest
    d_y = torch.randn((23, 4, 5), generator=g, dtype=torch.float64)
    results = []
    for layer in (lstm_layer_plain, lambda *a: lstm_layer(*a, library=library)):
        leaves = [t.clone().requires_grad_() for t in (x, *weights)]
        y, h_last, c_last = layer(leaves[0], h, c, *leaves[1:])
        (y * d_y).sum().backward()
        results.append((y, h_last, c_last, *(t.grad for t in leaves)))
    for a, b in zip(*results, strict=True):
        assert_close(a, b, 1e-10)


def test_prepared_matmuls_are_matmuls():
    g = torch.Generator().manual_seed(7)
    weight, bias, x, addend = (torch.randn(s, generator=g) for s in ((24, 17), (24,), (5, 17), (5, 24)))
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.1)):
        w, b, y, z = (t.to(dtype) for t in (weight, bias, x, addend))
        exact = (y.double() @ w.double().T).to(dtype)
        torch.testing.assert_close(repeated_matmul(w, 5)(y), exact, rtol=tolerance, atol=tolerance)
        torch.testing.assert_close(
            repeated_matmul(w, 5, b)(y, z), exact + b + z, rtol=tolerance, atol=tolerance
        )


def test_gradients_are_those_of_finite_differences_through_two_chunks(network):
    """The state is detached between the chunks: the second chunk's loss is a function of the weights
    at a fixed state, so that is what the differences take.
    """
    offsets, text = lines(network)

    def chunk_loss(part, state):
        out = network(offsets[:, part], text, state)
        targets = offsets[:, part.start + 1 : part.stop + 1]
        return -network.mixture(out.outputs).log_prob(targets).sum(), out.state

    first, second = slice(0, 6), slice(6, 11)
    loss, state = chunk_loss(first, None)
    state = state.detach()
    (loss + chunk_loss(second, state)[0]).backward()
    g = torch.Generator().manual_seed(4)
    step = 1e-5
    for name, p in network.named_parameters():
        flat = p.detach().view(-1)
        for i in torch.randint(0, flat.numel(), (3,), generator=g).tolist():
            was, sides = float(flat[i]), []
            for side in (step, -step):
                flat[i] = was + side
                with torch.no_grad():
                    sides.append(float(chunk_loss(first, None)[0] + chunk_loss(second, state)[0]))
            flat[i] = was
            numeric = (sides[0] - sides[1]) / (2 * step)
            assert float(p.grad.view(-1)[i]) == pytest.approx(numeric, rel=1e-5, abs=1e-6), (name, i)


@pytest.mark.parametrize("sizes", [(5, 7), (1,) * 12])
def test_chunks_with_the_state_carried_and_single_steps_are_the_whole(network, sizes):
    network.eval()
    offsets, text = lines(network)
    with torch.no_grad():
        whole = network(offsets, text)
        state, parts = None, []
        for part in offsets.split(sizes, dim=1):
            out = network(part, text, state)
            state = out.state
            parts.append(out.outputs)
    assert_close(torch.cat(parts, 1), whole.outputs, 1e-12)
    for a, b in zip(state, whole.state):
        assert_close(a, b, 1e-12)


def test_a_line_depends_neither_on_its_neighbours_nor_on_padding(network):
    offsets, text = lines(network)
    with torch.no_grad():
        together = network(offsets, text).outputs
        alone = network(offsets[1:2], text[1:2]).outputs  # the longest text
        assert_close(together[1:2], alone, 1e-12)
        short = network(offsets[2:], text[2:, :2]).outputs  # its own two characters, no padding
        assert_close(together[2:], short, 1e-12)
        padded = network(offsets, torch.nn.functional.pad(text, (0, 0, 0, 9))).outputs
        assert_close(together, padded, 1e-12)
        other = offsets.clone()
        other[0] += 5
        assert torch.equal(network(other, text).outputs[1:], together[1:])


def test_outputs_do_not_look_ahead_but_look_at_everything_before(network):
    offsets, text = lines(network)
    offsets = offsets.requires_grad_()
    out = network(offsets, text, plain=True).outputs
    (gradient,) = torch.autograd.grad(out[:, 6].sum(), offsets)
    assert (gradient[:, :7].abs() > 0).all()
    assert (gradient[:, 7:] == 0).all()


def test_every_line_is_told_by_its_text(network):
    offsets, text = lines(network)
    other = text.flip(2)
    assert not torch.allclose(network(offsets, text).outputs, network(offsets, other).outputs, atol=1e-3)


def test_bf16_is_close_to_fp32():
    """Operands of 8 bits: outputs of size 1 differ by about a hundredth after 40 steps, gradients of
    whole weights by less than a twentieth of their norm.
    """
    torch.manual_seed(0)
    network = StrokeNetwork(SYMBOLS, NetworkConfig(hidden=32, window_components=3, mixture_components=2))
    offsets, text = lines(network, points=41)
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        network.zero_grad()
        out = network(offsets[:, :-1], text, dtype=dtype)
        (-network.mixture(out.outputs).log_prob(offsets[:, 1:]).mean()).backward()
        assert out.outputs.dtype == torch.float32 and all(t.dtype == torch.float32 for t in out.state)
        found.append((out.outputs.detach(), {n: p.grad.clone() for n, p in network.named_parameters()}))
    (exact, exact_gradients), (low, low_gradients) = found
    assert not torch.equal(exact, low)
    assert (exact - low).abs().max() < 0.01
    for name, g in exact_gradients.items():
        assert (g - low_gradients[name]).norm() < 0.05 * g.norm(), name


def test_dropout_acts_in_training_only_and_keeps_the_mean(network):
    offsets, text = lines(network)
    with torch.no_grad():
        plain = network(offsets, text).outputs
        assert torch.equal(network.eval()(offsets, text, dropout=0.5).outputs, plain)
        network.train()
        torch.manual_seed(5)
        drawn = torch.stack([network(offsets, text, dropout=0.2).outputs for _ in range(100)])
    assert (drawn.std(0) > 0).all()
    # The outputs are not linear in what is dropped (layers 2 and 3), but nearly so at first weights.
    assert ((drawn.mean(0) - plain).abs() < 5 * drawn.std(0) / 10 + 0.003).all()


def test_a_lines_dropout_is_its_own(network):
    """Drawn from its own generator: the same beside other lines, and after another chunk another."""
    offsets, text = lines(network)
    network.train()

    def run(which, seeds):
        generators = [torch.Generator().manual_seed(s) for s in seeds]
        with torch.no_grad():
            return [
                network(offsets[which], text[which], dropout=0.3, generators=generators).outputs
                for _ in range(2)
            ]

    (both, later), (alone, _) = run([0, 1], [7, 8]), run([1], [8])
    torch.testing.assert_close(alone[0], both[1])
    assert not torch.allclose(both, later) and not torch.allclose(both[1], run([1], [7])[0][0])
    outputs = [
        network(
            offsets,
            text,
            dropout=0.2,
            generators=[torch.Generator().manual_seed(2 * i + j) for j in range(len(offsets))],
        ).outputs
        for i in range(100)
    ]
    drawn, plain = torch.stack(outputs).detach(), network(offsets, text).outputs.detach()
    assert ((drawn.mean(0) - plain).abs() < 5 * drawn.std(0) / 10 + 0.003).all()


def test_initial_weights_give_the_window_its_stated_pace():
    torch.manual_seed(0)
    network = StrokeNetwork(SYMBOLS, NetworkConfig(hidden=64, kappa_bias=-2.5))
    offsets, text = lines(network, points=50)
    with torch.no_grad():
        kappa = network(offsets, text).window.kappa
    steps = kappa.diff(dim=1)
    assert (steps > 0).all()
    assert 0.05 < float(steps.mean()) < 0.13  # exp(-2.5) = 0.08


def test_sizes_below_one_are_refused():
    with pytest.raises(ValueError, match="hidden is 0; it must be a whole number from 1"):
        NetworkConfig(hidden=0)


def test_a_style_is_a_bias_of_its_own_for_each_row(network):
    styled = StrokeNetwork(SYMBOLS, NetworkConfig(**{**asdict(CONFIG), "style": 2})).double()
    own = styled.state_dict()
    styled.load_state_dict({**{k: v for k, v in own.items() if k.endswith("_style")}, **network.state_dict()})
    offsets, text = lines(network)
    style = torch.tensor([[0.5, -1.0], [0.0, 0.0], [2.0, 0.3]], dtype=torch.float64)
    # No weights yet: it is the network without styles.
    assert_close(styled(offsets, text, style=style).outputs, network(offsets, text).outputs, 1e-12)
    with torch.no_grad():
        for i in (1, 2, 3):
            getattr(styled, f"layer{i}_style").normal_()
    out = styled(offsets, text, style=style).outputs
    assert_close(out, styled(offsets, text, style=style, plain=True).outputs, 1e-12)
    assert_close(out[1], network(offsets, text).outputs[1], 1e-12)
    for row in (0, 2):
        with torch.no_grad():
            for i in (1, 2, 3):
                bias = getattr(network, f"layer{i}_bias") + getattr(styled, f"layer{i}_style") @ style[row]
                getattr(network, f"layer{i}_bias").copy_(bias)
            assert_close(out[row], network(offsets, text).outputs[row], 1e-12)
            for i in (1, 2, 3):
                getattr(network, f"layer{i}_bias").sub_(getattr(styled, f"layer{i}_style") @ style[row])
