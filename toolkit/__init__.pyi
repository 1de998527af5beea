# What type checkers and editors see of the names that `__init__.py` loads on first use.
from toolkit.automl.model.scoring import load_model as load_model
from toolkit.data.project_creation import new as new
from toolkit.pipeline.headless import run as run
from toolkit.pipeline.run_result import read_run as read_run
from toolkit.project.file import ProjectFile as ProjectFile
from toolkit.run.folder import Run as Run
from toolkit.run.stage import open_stage as open_stage

__version__: str
