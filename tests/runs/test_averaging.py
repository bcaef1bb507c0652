from __future__ import annotations

import copy

import torch

from strokes.runs.averaging import averaged


def test_it_is_the_exponential_average_with_a_decay_that_grows():
    network = torch.nn.Linear(2, 1, bias=False)
    mean = averaged(network, 0.9)
    expected = network.weight.detach().clone()
    for step in range(1, 200):
        with torch.no_grad():
            network.weight.copy_(torch.randn(1, 2))
        mean.update_parameters(network)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * network.weight.detach()
        torch.testing.assert_close(mean.module.weight, expected, rtol=1e-5, atol=1e-6)
    assert not mean.module.weight.requires_grad and not mean.module.training
    assert network.weight.requires_grad and network.training


def test_without_decay_it_is_the_network_itself():
    network = torch.nn.Linear(2, 1)
    mean = averaged(copy.deepcopy(network), 0.0)
    with torch.no_grad():
        network.weight += 1
    mean.update_parameters(network)
    assert torch.equal(mean.module.weight, network.weight)


def test_statistics_of_normalisation_are_taken_over_and_not_averaged():
    network = torch.nn.BatchNorm1d(3)
    mean = averaged(network, 0.99)
    network(torch.randn(50, 3))
    mean.update_parameters(network)
    assert torch.equal(mean.module.running_mean, network.running_mean)
    assert int(mean.module.num_batches_tracked) == 1


def test_the_decay_goes_on_growing_where_a_checkpoint_left_it():
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    mean = averaged(network, 0.999)

    def walk(steps, mean):
        for _ in range(steps):
            with torch.no_grad():
                for p in network.parameters():
                    p.add_(1)
            mean.update_parameters(network)

    walk(7, mean)
    other = averaged(torch.nn.Linear(3, 2), 0.999)
    other.load_state_dict(mean.state_dict())
    saved = copy.deepcopy(network.state_dict())
    walk(5, mean)
    network.load_state_dict(saved)
    walk(5, other)
    assert all(torch.equal(a, b) for a, b in zip(mean.parameters(), other.parameters(), strict=True))
