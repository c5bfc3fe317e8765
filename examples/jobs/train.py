"""Fits a line to noisy points by gradient descent; each task of the array tries
another learning rate. Needs nothing but Python."""
import json
import os
import random
import sys

epochs = int(sys.argv[sys.argv.index("--epochs") + 1]) if "--epochs" in sys.argv else 3
rate = 0.02 * int(os.environ.get("ARTEL_TASK", "1"))
random.seed(int(os.environ.get("SEED", "0")))
points = [(x / 100, 3 * x / 100 + 1 + random.gauss(0, 0.1)) for x in range(1000)]

a = b = 0.0
for epoch in range(epochs):
    random.shuffle(points)
    for x, y in points:
        error = a * x + b - y
        a -= rate * error * x / 10
        b -= rate * error / 10
    loss = sum((a * x + b - y) ** 2 for x, y in points) / len(points)
    print(f"epoch {epoch + 1}: loss {loss:.4f}, y = {a:.3f} x + {b:.3f}", flush=True)

with open("/out/result.json", "w") as f:
    json.dump({"rate": rate, "loss": loss, "a": a, "b": b}, f)
