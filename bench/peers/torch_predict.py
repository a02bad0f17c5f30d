"""PyTorch beside the benchmark `predict`: probabilities of one image from a process that has just been started, and from then on; Grad-CAM by autograd."""
import json
import sys

import torch
from torch_step import network_of, preprocess, read_tensors, say


def probabilities(network, image):
    with torch.inference_mode():
        return torch.sigmoid(network(image))[0].tolist()


def grad_cam(network, image, columns):
    """The network runs once, without a graph; autograd begins at the last stage's activations, as Labelscope's maps do."""
    with torch.no_grad():
        stage = network.features(image)
    logits = network.classify(stage.requires_grad_())[0]
    maps = []
    for column in columns:
        (gradient,) = torch.autograd.grad(logits[column], stage, retain_graph=True)
        alpha = gradient.mean((2, 3), keepdim=True)
        maps.append((alpha * stage).sum(1).relu().flatten().tolist())
    return maps


def main():
    job = json.loads(sys.argv[1])
    torch.set_num_threads(job["threads"])
    device = "cpu" if job["device"] == "cpu" else "cuda"
    network = network_of(read_tensors(job["weights"])).to(device).eval()

    def image():
        return preprocess(read_tensors(job["image"])["image"]).to(device)

    say({"version": f"PyTorch {torch.__version__}", "probabilities": probabilities(network, image())})
    for line in sys.stdin:
        word, *columns = line.split()
        say(grad_cam(network, image(), map(int, columns)) if word == "maps" else probabilities(network, image()))


main()
