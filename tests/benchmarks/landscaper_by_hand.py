"""What Landscaper needs before it can look at a causal language model of Hugging Face; padding is handled."""

import torch
from landscaper import LossLandscape, PyHessian
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(folder, texts, batch_size):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    # The default attention has no second derivative.
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    batches = []
    for start in range(0, len(texts), batch_size):
        batch = tokenizer(texts[start : start + batch_size], padding=True, return_tensors="pt")
        batch["labels"] = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        batches.append(dict(batch))
    return model, batches


def tokens(batch):
    return int((batch["labels"][:, 1:] != -100).sum())


def gradients(model, criterion, batches, device):
    parameters = [p for p in model.parameters() if p.requires_grad]
    for batch in batches:
        loss = model(**batch, use_cache=False).loss
        yield tokens(batch), torch.autograd.grad(loss, parameters, create_graph=True)


def loss(model, batches):
    total = sum(model(**batch, use_cache=False).loss.item() * tokens(batch) for batch in batches)
    return total / sum(tokens(batch) for batch in batches)


def landscape(folder, texts, points, distance, batch_size=8):
    model, batches = load(folder, texts, batch_size)
    hessian = PyHessian(model, None, batches, "cpu", hessian_generator=gradients, try_cache=True)
    values, vectors = hessian.eigenvalues(top_n=2)
    options = {"steps": points, "distance": distance, "dim": 2, "device": "cpu"}
    return values, vectors, LossLandscape.compute(model, batches, vectors, loss, **options)
