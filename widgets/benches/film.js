// The frames of a bench's run that this page has, and the line under the figure on which a hand moves through them.

const TICK = 40, FASTEST = 50, SLOWEST = 400, WHOLE = 6000; // milliseconds; a film as a whole, at its usual speed
const REST = 150; // milliseconds of rest until the kernel hears which frame is shown
const PATIENCE = 10_000, PAUSE = 1000; // milliseconds until the kernel is asked again: without an answer, and after one

// One a figure, for all of its views. The kernel keeps the same frames: the last one, and of those before it every
// `every`th. Those that the page missed, it asks for.
class Film {
  #model; #shots = new Map(); #shown = null; #wanted = null; #listeners = new Set();
  #asked = 0; #reached = -1; #clock = 0; #rest = 0; #said = null; #opened = false;
  facts = { run: 0 };
  speed = 1;

  constructor(model) {
    this.#model = model;
    this.#take();
    model.on("change:film", () => this.#take());
    model.on("msg:custom", (message, buffers) => { if (message.type === "film") this.#receive(message, buffers); });
  }

  // What is shown: the frame that the learner went to, or else what the kernel showed last.
  get picture() {
    return this.#shown ?? this.#newest();
  }

  // Of all frames that there are, also those that have not come yet.
  get numbers() {
    const { run, last, every } = this.facts;
    if (!run) return [];
    const all = Array.from({ length: Math.floor(last / every) + 1 }, (_, i) => i * every);
    return all.at(-1) === last ? all : [...all, last];
  }

  get at() {
    return this.#shown?.number ?? this.facts.number;
  }

  // Where the learner's hand is: ahead of the picture, while a frame is still on its way.
  get goal() {
    return this.#wanted ?? this.at;
  }

  get kept() {
    return this.#shots.size;
  }

  get playing() {
    return this.#clock !== 0;
  }

  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  show(number) {
    this.#wanted = number;
    const shot = this.#shots.get(number);
    if (!shot) {
      this.ask();
      return this.#changed();
    }
    this.#wanted = null;
    // who is at the newest frame sees those that come
    this.#shown = number === this.facts.number && number === this.facts.last ? null : shot;
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.report(), REST);
    this.#changed();
  }

  play() {
    if (this.playing) return;
    const numbers = this.numbers;
    if (this.at === numbers.at(-1)) this.show(numbers[0]);
    let before = performance.now(), time = 0;
    this.#clock = setInterval(() => {
      const numbers = this.numbers, beat = Math.min(SLOWEST, Math.max(FASTEST, WHOLE / numbers.length));
      const now = performance.now();
      if (this.#wanted !== null) { // the frame it begins with is on its way
        before = now;
        return this.ask();
      }
      time += (now - before) * this.speed;
      before = now;
      let next = this.at;
      for (; time >= beat; time -= beat) {
        const following = numbers.find((n) => n > next);
        if (following === undefined) break;
        if (!this.#shots.has(following)) {
          time = 0;
          this.ask();
          break;
        }
        next = following;
      }
      if (next !== this.at) this.show(next);
      if (next >= numbers.at(-1)) this.halt();
    }, TICK);
    this.#changed();
  }

  halt() {
    if (!this.playing) return;
    clearInterval(this.#clock);
    this.#clock = 0;
    this.report();
    this.#changed();
  }

  // A bench that opens with a film plays it once, and for nobody who asked the system for less motion.
  open() {
    if (!this.facts.opening || this.#opened) return;
    this.#opened = true;
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.play();
  }

  // Ask for the frames that are missing, a message's worth at a time.
  ask() {
    if (performance.now() < this.#asked || this.numbers.every((n) => this.#shots.has(n))) return;
    this.#asked = performance.now() + PATIENCE;
    this.#model.send({ type: "film", run: this.facts.run, after: this.#reached });
  }

  // Pin, Export and Share take the frame that is shown, so the kernel is told which one it is.
  report() {
    clearTimeout(this.#rest);
    const number = this.#shown?.number ?? null, said = `${this.facts.run} ${number}`;
    if (!this.facts.run || said === (this.#said ?? `${this.facts.run} null`)) return;
    this.#said = said;
    this.#model.send({ type: "shown", run: this.facts.run, number });
  }

  #newest() {
    const [spec, reading, library] = ["spec", "reading", "library"].map((name) => this.#model.get(name));
    return { spec, reading, library, number: this.facts.number, progress: this.facts.progress };
  }

  #take() {
    const facts = this.#model.get("film");
    if (facts.run !== this.facts.run) {
      this.halt();
      this.#shots.clear();
      [this.#shown, this.#wanted, this.#said, this.#reached, this.#asked] = [null, null, null, -1, 0];
    }
    this.facts = facts.run ? facts : { run: 0 };
    if (facts.run) this.#shots.set(facts.number, this.#newest());
    for (const number of this.#shots.keys())
      if (number % facts.every && number !== facts.last) this.#shots.delete(number);
    if (!this.numbers.includes(this.#wanted)) this.#wanted = null; // thinned out, while it was awaited
    this.#changed();
  }

  async #receive({ run, shots, more }, buffers) {
    for (const [i, shot] of shots.entries()) {
      const text = new Blob([buffers[i]]).stream().pipeThrough(new DecompressionStream("gzip"));
      const spec = await new Response(text).json();
      if (run !== this.facts.run) return;
      this.#reached = Math.max(this.#reached, shot.number);
      if (this.numbers.includes(shot.number)) this.#shots.set(shot.number, { ...shot, spec });
    }
    if (run !== this.facts.run) return;
    this.#asked = more ? 0 : performance.now() + PAUSE; // what is still missing then was thinned out meanwhile
    if (more) this.ask();
    else this.#reached = -1;
    if (this.#shots.has(this.#wanted)) this.show(this.#wanted);
    this.#changed();
  }

  #changed() {
    for (const listener of this.#listeners) listener();
  }
}

const SPEEDS = { "¼×": 0.25, "½×": 0.5, "1×": 1, "2×": 2, "4×": 4 };

// The line itself; returns what takes it away. It is there when a run has more than one frame.
function timeline(film, place) {
  const made = (tag, more) => Object.assign(document.createElement(tag), more);
  const line = made("div", { className: "labcore-film" });
  // a hand on its way to the line: frames that the page was spared are here when it arrives
  for (const near of ["pointerenter", "focusin"]) line.addEventListener(near, () => film.ask());
  const button = made("button", { type: "button", className: "labcore-film-play" });
  const range = made("input", { type: "range", min: 0, step: 1 });
  const where = made("span", { className: "labcore-film-where" });
  const speed = made("select", { title: "How fast it is played" });
  line.setAttribute("role", "group");
  line.setAttribute("aria-label", "The run, frame by frame");
  range.setAttribute("aria-label", "Place in the run");
  speed.setAttribute("aria-label", "Speed");
  for (const name of Object.keys(SPEEDS)) speed.append(made("option", { textContent: name, selected: name === "1×" }));
  line.append(button, range, where, speed);
  place.append(line);

  const turn = () => (film.playing ? film.halt() : film.play());
  const go = (index) => {
    film.halt();
    film.show(film.numbers[Math.min(Math.max(index, 0), film.numbers.length - 1)]);
  };
  button.onclick = turn;
  range.oninput = () => go(Number(range.value));
  speed.onchange = () => { film.speed = SPEEDS[speed.value]; };
  const far = Infinity;
  line.onkeydown = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -far, End: far }[event.key];
    if (event.key === " " && event.target !== speed) turn();
    else if (step !== undefined && event.target !== speed) go(Number(range.value) + step);
    else return;
    event.preventDefault();
  };
  button.onkeyup = (event) => { if (event.key === " ") event.preventDefault(); }; // or it would be pressed once more

  const show = () => {
    const { numbers, at, goal, picture, playing } = film;
    line.hidden = numbers.length < 2;
    if (line.hidden) return;
    // of a run whose length nobody knows, frames are counted
    const place = film.facts.counted ? `frame ${at + 1}` : `${Math.round(100 * (picture.progress ?? 0))} %`;
    range.max = numbers.length - 1;
    range.value = numbers.findLastIndex((n) => n <= goal);
    range.setAttribute("aria-valuetext", `${place} of the run`);
    where.textContent = place;
    speed.value = Object.keys(SPEEDS).find((name) => SPEEDS[name] === film.speed);
    button.textContent = playing ? "❚❚" : "▶";
    const word = playing ? "Hold the film" : "Play the run again";
    button.title = word;
    button.setAttribute("aria-label", word);
  };
  show();
  return show;
}
