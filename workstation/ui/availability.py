"""Which actions can be done now. What cannot be done is greyed, never hidden, and never does nothing."""

from __future__ import annotations

from workstation.domain.examinations import ExaminationState
from workstation.ui.action_specs import JUMP, PLAY
from workstation.ui.actions import Actions, spec_ids
from workstation.ui.desk import Desk
from workstation.ui.models.jobs import JobsModel
from workstation.ui.timeline.commands import WITH_FRAMES as TIMELINE_WITH_FRAMES
from workstation.ui.viewer.commands import WITH_FRAMES as VIEWER_WITH_FRAMES
from workstation.ui.words import broken, tr
from workstation.ui.work import Work

_WITH_CASE = ("exhibit.import", "report.build")
_ANYWHERE = frozenset({"history.back", "history.forward"})
_WITH_FRAMES = (
    *(name for name in (*spec_ids(PLAY), *spec_ids(JUMP)) if name not in _ANYWHERE),
    "track.next",
    "track.previous",
    "frame.export",
    "zoom.actual",
    "zoom.fit",
    "overlay.toggle",
    "overlay.more",
    "overlay.less",
    "timeline.all",
    *VIEWER_WITH_FRAMES,
    *TIMELINE_WITH_FRAMES,
)


def refresh_actions(actions: Actions, desk: Desk, jobs: JobsModel, work: Work) -> None:
    """Enable and disable every action that depends on case, exhibit, results or queue."""
    session, data = desk.session, desk.data
    writes = session is not None and not session.read_only
    actions.set_enabled(_WITH_CASE, writes)
    actions.set_enabled(["case.close"], session is not None)
    actions.set_enabled(["case.export", "case.backup"], writes)
    actions.set_enabled(["run"], writes and any(item.media is not None for item in desk.items))
    actions.set_enabled(["exhibit.verify"], writes and bool(desk.items))
    bad = [item.exhibit for item in desk.items if broken(item)]
    done = any(run.state is ExaminationState.DONE for run in desk.runs)
    actions.set_enabled(["report.build"], writes and done and not bad)
    why = tr("No report: integrity MISMATCH of {names}. Restore the original, then verify the exhibits.")
    actions.explain("report.build", why.format(names=", ".join(bad)) if bad else "")
    actions.set_enabled(_WITH_FRAMES, data is not None and data.frames > 0)
    actions.set_enabled(["resume"], writes and work.can_resume and not jobs.active)
    actions.set_enabled(["exhibit.next", "exhibit.previous"], len(desk.items) > 1)
    tracks = {lane.number for lane in data.lanes.lanes} if data else set()
    for number in range(1, 10):
        actions[f"track.{number}"].setEnabled(number in tracks)
    actions.set_enabled(["track.0"], bool(tracks))
