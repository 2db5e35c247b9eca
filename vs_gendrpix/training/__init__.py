"""The paper's recipe: stages that learn from pairs of pictures, one loop for all of them.

settings.py    a recipe, read from TOML; recipes/ holds ours
data/          the pairs
stages.py      what a stage learns, from whom and before which critic; latent_stages.py: those
of the paper's autoencoder; critic.py, losses.py, adapters.py: their parts
build.py       a stage at its beginning; beginnings.py: how networks begin
trainer.py     the loop; state.py: what it needs to go on; journal.py: what it leaves behind
all_stages.py  a recipe from beginning to end; command.py: the command `gendrpix train`
"""
