"""Trains a small convolutional network on the digits with PyTorch, and writes its
weights, its metrics and what it says of digits that it has not seen.

    python3 train.py --data examples/digits --out /tmp --epochs 20
"""
import argparse
import csv
import gzip
import json
import os
import random
import time

import numpy
import torch
from torch import nn
from torch.nn import functional

HELD_OUT = 360  # digits, a fifth
SPLIT_SEED = 1797  # the same ones whatever --seed is


def load(path):
    with gzip.open(path, "rt") as f:
        rows = numpy.array(list(csv.reader(f)), dtype=numpy.float32)
    ink = torch.from_numpy(rows[:, :-1] / 16).reshape(-1, 1, 8, 8)
    return ink, torch.from_numpy(rows[:, -1].astype(numpy.int64))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.hidden = nn.Linear(32 * 4 * 4, 64)
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        x = functional.relu(self.first(x))
        x = functional.max_pool2d(functional.relu(self.second(x)), 2)
        x = functional.dropout(functional.relu(self.hidden(x.flatten(1))), 0.25, self.training)
        return self.out(x)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--data", default="/in")
    p.add_argument("--out", default="/out")
    p.add_argument("--epochs", type=int, default=20)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=1797)
    o = p.parse_args()
    random.seed(o.seed)
    numpy.random.seed(o.seed)
    torch.manual_seed(o.seed)

    begin = time.time()
    x, y = load(os.path.join(o.data, "digits.csv.gz"))
    order = torch.from_numpy(numpy.random.RandomState(SPLIT_SEED).permutation(len(x)))
    train, test = order[HELD_OUT:], order[:HELD_OUT]
    x_train, y_train = x[train], y[train]
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=o.rate)
    steps = o.epochs * -(-len(x_train) // o.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, o.rate * 3, total_steps=steps)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; {len(x_train)} digits to train on", flush=True)
    for epoch in range(o.epochs):
        net.train()
        total = 0.0
        for batch in torch.randperm(len(x_train)).split(o.batch):
            optimizer.zero_grad()
            loss = functional.cross_entropy(net(x_train[batch]), y_train[batch])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch + 1}: loss {total / len(x_train):.4f}", flush=True)

    net.eval()
    with torch.no_grad():
        said = net(x[test]).argmax(1)
    accuracy = (said == y[test]).float().mean().item()
    print(f"accuracy {accuracy:.4f} on {len(test)} digits held out, {time.time() - begin:.1f} s", flush=True)
    torch.save(net.state_dict(), os.path.join(o.out, "model.pt"))
    with open(os.path.join(o.out, "predictions.csv"), "w") as f:  # row of the file, what it is said to be
        f.writelines(f"{row},{label}\n" for row, label in zip(test.tolist(), said.tolist()))
    with open(os.path.join(o.out, "metrics.json"), "w") as f:
        json.dump({"accuracy": accuracy, "loss": total / len(x_train), "epochs": o.epochs, "seed": o.seed}, f)


if __name__ == "__main__":
    main()
