"""Carry out one campaign of several that lie in one folder: begin it, or go on where it stopped."""

from testbed import store
from testbed.campaign import campaign
from testbed.campaign.campaign import Outcome
from testbed.model.campaign import Campaign
from testbed.model.results import CAMPAIGN_FILE
from testbed.progress import Progress


def carry_out(request: campaign.Request, progress: Progress) -> Outcome:
    """Begin the campaign; if it was begun, do what is left of it as it was begun.

    The request names both folders, `within` and `folder_name`. Raises what a campaign raises.
    """
    folder = request.parent / (request.folder_name or "")
    if not (folder / CAMPAIGN_FILE).is_file():
        return campaign.run(request, progress)
    begun = store.read(folder / CAMPAIGN_FILE, Campaign)
    finished = store.finished_runs(folder, begun)
    if begun.ended_at is not None and len(finished) == len(begun.runs):
        progress.say("  finished already")
        return Outcome(folder, list(finished.values()))
    return campaign.resume(folder, request.inventory, progress, within=request.within)
