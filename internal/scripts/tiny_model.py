"""Makes the tiny model: a directory that mocker, vLLM (--load-format dummy) and aiperf all load.

There are no weights in it. What matters is the tokenizer: one token is one word, and every word of the
vocabulary is read back as itself. So any sequence of tokens, random output included, keeps its length when
aiperf decodes it and counts it again, and its counts equal the server's. The words are the most frequent of
the corpus aiperf draws its prompts from, so that prompts differ from each other as real ones do; a word
outside the vocabulary becomes an ordinary word, not a special token that a decoder would drop.

Usage: tiny_model.py DIRECTORY, with the Python of the aiperf environment. Same bytes every time.
"""

import collections
import importlib.util
import json
import pathlib
import re
import sys

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

WORD = "[A-Za-z0-9]+"  # everything between words is dropped, and decoding puts one space there
VOCABULARY = 8000  # words; with these nine in ten words of the corpus are themselves
END = "<|end|>"  # the last id, so that random ids seldom hit the one token that ends a reply
CONTEXT = 8192  # tokens
TEMPLATE = "{% for message in messages %}{{ message['content'] }} {% endfor %}"


def corpus() -> str:
    """The text aiperf makes prompts of, found without importing aiperf."""
    package = pathlib.Path(importlib.util.find_spec("aiperf").origin).parent
    return (package / "dataset/generator/assets/shakespeare.txt").read_text(encoding="utf-8")


def vocabulary(text: str) -> list[str]:
    """The most frequent words, ties in alphabetical order."""
    counts = collections.Counter(re.findall(WORD, text))
    return sorted(counts, key=lambda word: (-counts[word], word))[:VOCABULARY]


def tokenizer(words: list[str]) -> Tokenizer:
    ids = {word: number for number, word in enumerate(words)}
    made = Tokenizer(models.WordLevel(ids, unk_token="word"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "removed", invert=True)
    made.add_special_tokens([AddedToken(END, special=True)])
    return made


def configs(end: int) -> dict[str, dict]:
    return {
        "config.json": {
            "architectures": ["Qwen3ForCausalLM"],
            "model_type": "qwen3",
            "num_hidden_layers": 2,
            "hidden_size": 64,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "intermediate_size": 128,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0,
            "tie_word_embeddings": True,
            "torch_dtype": "bfloat16",
            "max_position_embeddings": CONTEXT,
            "vocab_size": end + 1,
            "bos_token_id": end,  # Dynamo 0.5 does not load a model without one
            "eos_token_id": end,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": CONTEXT,
            "eos_token": END,
            "pad_token": END,
            "clean_up_tokenization_spaces": False,
            "chat_template": TEMPLATE,
        },
        "generation_config.json": {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end},
    }


def main(directory: str) -> None:
    to = pathlib.Path(directory)
    to.mkdir(parents=True, exist_ok=True)
    made = tokenizer(vocabulary(corpus()))
    made.save(str(to / "tokenizer.json"))
    for name, content in configs(made.token_to_id(END)).items():
        (to / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
