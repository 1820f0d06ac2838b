// What is danced when: the beats with their counts, and the moves.

export class Timeline {
  constructor({ beats, moves, duration_s: length }) {
    this.length = length;
    this.beats = beats;
    this.moves = moves;
    this.times = beats.map((beat) => beat.time_s);
    this.starts = moves.map((move) => move.start_s);
  }

  // The beat that is sounding, by its place; -1 before the first.
  beatAt = (time) => last(this.times, time);
  moveAt = (time) => last(this.starts, time);

  nearest(time) {
    const at = Math.max(0, this.beatAt(time));
    const after = Math.min(at + 1, this.times.length - 1);
    return time - this.times[at] > this.times[after] - time ? after : at;
  }

  snap = (time) => this.times[this.nearest(time)] ?? time;

  // Seconds from this beat to the next.
  gap(beat) {
    const at = Math.min(Math.max(beat, 0), this.times.length - 2);
    return this.times[at + 1] - this.times[at] || 0.5;
  }
}

// The place of the last number that is not above the wanted one; a hair of tolerance, since videos round.
function last(numbers, wanted) {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= wanted + 0.002) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
