"""Models of Hugging Face: their objectives, ready for everything else of this package."""

from nblandscape.huggingface.objective import from_transformers
from nblandscape.huggingface.tasks import TASKS, Task

__all__ = ["TASKS", "Task", "from_transformers"]
