// A merge run as its events tell it: what is saved as steps, accuracies of every evaluation. No DOM in here.

// Other events repeat the figures of the last evaluation.
const DECISIVE = new Set(["evaluated", "accepted", "rejected"]);

export class RunHistory {
  constructor(names) {
    this.names = names;
    this.steps = []; // where the memory saved begins to be another: {seconds, samples, saved, isAccepted}
    this.evaluations = []; // {seconds, samples, values: by query}
    this.resumes = []; // {seconds, samples} at which another worker went on
    this.now = null;
    this.started = false;
  }

  add(event) {
    const place = { seconds: event.seconds ?? 0, samples: event.samples_seen ?? 0 };
    if (isResume(event, this)) this.#resume(place);
    this.started ||= event.type === "started";
    if (event.type !== "evaluated") this.#step({ ...place, saved: event.saved_bytes ?? 0, isAccepted: event.type === "accepted" });
    if (DECISIVE.has(event.type) && event.queries?.length) this.#evaluation(place, event.queries);
    this.now = place;
  }

  #step(step) {
    const last = this.steps.at(-1);
    if (!last || step.isAccepted || step.saved !== last.saved) this.steps.push(step);
  }

  #evaluation(place, queries) {
    if (this.evaluations.at(-1)?.seconds === place.seconds) this.evaluations.pop();
    const values = new Map(queries.map((figures) => [figures.name, figures.relative_accuracy]));
    this.evaluations.push({ ...place, values: this.names.map((name) => values.get(name) ?? null) });
  }

  /** What ran after the checkpoint was lost and runs again. */
  #resume(place) {
    const isKept = ({ seconds }) => seconds <= place.seconds;
    this.steps = this.steps.filter(isKept);
    this.evaluations = this.evaluations.filter(isKept);
    this.resumes.push(place);
  }

  /** Columns [x, saved, saved where accepted]; `axis`: "seconds" or "samples". The last point is where the run is. */
  saved(axis) {
    const last = this.steps.at(-1);
    const points = last && this.now[axis] > last[axis] ? [...this.steps, { ...this.now, saved: last.saved }] : this.steps;
    return [
      points.map((point) => point[axis]),
      points.map(({ saved }) => saved),
      points.map(({ saved, isAccepted }) => (isAccepted ? saved : null)),
    ];
  }

  /** Columns [x, one per query]. */
  accuracies(axis) {
    return [this.evaluations.map((point) => point[axis]), ...this.names.map((_, index) => this.evaluations.map(({ values }) => values[index]))];
  }
}

/** A run starts once: when it starts again, a worker was killed and another one goes on. */
export const isResume = (event, history) => event.type === "resumed" || (event.type === "started" && history.started);
