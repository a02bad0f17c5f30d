"""PyTorch as a contestant: the same ResNet-50 with the same weights, as modules, eager. The protocol stands in README.md."""
import json
import resource
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

STAGES = [(2, 3, 64, 1), (3, 4, 128, 2), (4, 6, 256, 2), (5, 3, 512, 2)]
EPSILON = 0.001
CAFFE_BGR_MEAN = [103.939, 116.779, 123.68]
WARM_UP_STEPS = 3
# PyTorch's names of a layer's tensors by their names in the ONNX file.
SUFFIXES = {
    "kernel": "weight",
    "weight": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


class ResNet50(nn.Module):
    """Keras's form: every convolution has a bias, and stages are entered with the stride in their first 1x1 convolution."""

    def __init__(self, categories):
        super().__init__()
        self.add_conv("", 3, 64, 7, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.relu = nn.ReLU(inplace=True)
        inside = 64
        for stage, blocks, width, stride in STAGES:
            for letter in "abcdef"[:blocks]:
                name = f"{stage}{letter}_branch"
                self.add_conv(name + "2a", inside, width, 1, stride if letter == "a" else 1)
                self.add_conv(name + "2b", width, width, 3, 1)
                self.add_conv(name + "2c", width, 4 * width, 1, 1)
                if letter == "a":
                    self.add_conv(name + "1", inside, 4 * width, 1, stride)
                inside = 4 * width
        self.head = nn.Linear(inside, categories)

    def add_conv(self, name, inside, outside, kernel, stride):
        conv, norm = layer_names(name)
        setattr(self, conv, nn.Conv2d(inside, outside, kernel, stride, kernel // 2))
        setattr(self, norm, nn.BatchNorm2d(outside, eps=EPSILON, momentum=0.01))

    def normalised(self, name, x):
        conv, norm = layer_names(name)
        return getattr(self, norm)(getattr(self, conv)(x))

    def features(self, x):
        x = self.pool(self.relu(self.normalised("", x)))
        for stage, blocks, _, _ in STAGES:
            for letter in "abcdef"[:blocks]:
                name = f"{stage}{letter}_branch"
                y = self.relu(self.normalised(name + "2a", x))
                y = self.relu(self.normalised(name + "2b", y))
                y = self.normalised(name + "2c", y)
                x = self.relu(y + (self.normalised(name + "1", x) if letter == "a" else x))
        return x

    def classify(self, x):
        return self.head(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))

    def forward(self, x):
        return self.classify(self.features(x))


def layer_names(name):
    return ("res" + name, "bn" + name) if name else ("conv1", "bn_conv1")


def read_tensors(path):
    """A safetensors file of float32 tensors: 8 bytes of header length, a JSON header, the data. Holds no second copy."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)

    def read(shape, begin):
        values = np.fromfile(path, dtype="<f4", count=int(np.prod(shape)), offset=8 + length + begin)
        return torch.from_numpy(values.reshape(shape))

    return {name: read(entry["shape"], entry["data_offsets"][0]) for name, entry in header.items()}


def network_of(tensors):
    """Fails where a tensor is missing or left over."""
    with torch.device("meta"):
        network = ResNet50(len(tensors["head/bias"]))
    counters = [name for name in network.state_dict() if name.endswith("num_batches_tracked")]
    state = {name: torch.tensor(0) for name in counters}
    for name, tensor in tensors.items():
        layer, suffix = name.split("/")
        state[f"{layer}.{SUFFIXES[suffix]}"] = tensor
    network.load_state_dict(state, strict=True, assign=True)
    return network


def preprocess(image):
    """What Labelscope's graph does inside the measured time is done beforehand here: RGB bytes to BGR planes less their means."""
    return image.permute(0, 3, 1, 2).flip(1).sub(torch.tensor(CAFFE_BGR_MEAN).view(1, 3, 1, 1)).contiguous()


def optimiser_of(network, job):
    """Stochastic gradient descent: the head learns faster, biases of convolutions and of the head do not decay."""

    def group(names, head, decays):
        rate = job["learnRate"] * (job["headLearnRateFactor"] if head else 1)
        return {"params": [p for _, p in names], "lr": rate, "weight_decay": job["l2"] if decays else 0.0}

    def kind(name):
        head = name.startswith("head.")
        return head, name.endswith(".weight") or name.startswith("bn")

    learning = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    kinds = sorted({kind(name) for name, _ in learning})
    groups = [group([item for item in learning if kind(item[0]) == k], *k) for k in kinds]
    return torch.optim.SGD(groups, lr=job["learnRate"], momentum=job["momentum"])


def training_step(network, x, labels, job):
    if job["layers"] == "last-stages":
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name.startswith(("res5", "bn5", "head")))
    network.train(job["batchNorm"] == "batch")
    optimiser = optimiser_of(network, job)
    forward = torch.compile(network) if job.get("compiled") else network

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = F.binary_cross_entropy_with_logits(forward(x), labels, reduction="sum") / len(x)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def forward_pass(network, x):
    network.eval()

    def step():
        with torch.inference_mode():
            return torch.sigmoid(network(x)).sum().item()

    return step


def make_step(job):
    batch = read_tensors(job["batch"])
    device = "cpu" if job["device"] == "cpu" else "cuda"
    if device == "cuda":
        # As ONNX Runtime does: TensorFloat-32 in convolutions and products, and the fastest of cuDNN's algorithms.
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    x, labels = preprocess(batch["image"]).to(device), batch["labels"].to(device)
    network = network_of(read_tensors(job["weights"])).to(device)
    if job["channelsLast"]:
        network, x = network.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    return training_step(network, x, labels, job) if job["kind"] == "step" else forward_pass(network, x)


def time_steps(step, seconds):
    milliseconds = []
    cpu, start = time.process_time(), time.perf_counter()
    while not milliseconds or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        step()
        milliseconds.append((time.perf_counter() - before) * 1000)
    return {"milliseconds": milliseconds, "cpuMilliseconds": (time.process_time() - cpu) * 1000}


def peak_mib():
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def say(answer):
    print(json.dumps(answer), flush=True)


def main():
    job = json.loads(sys.argv[1])
    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    step = make_step(job)
    say({"checks": [step() for _ in range(WARM_UP_STEPS)], "version": f"PyTorch {torch.__version__}, Python {sys.version.split()[0]}"})
    for line in sys.stdin:
        word, *rest = line.split()
        say({"peakMiB": peak_mib()} if word == "end" else time_steps(step, float(rest[0])))


if __name__ == "__main__":
    main()
