// A small voice that counts, computed and not recorded: a source of sound (the throat, or the noise of a narrow place)
// through resonators at the formants of each sound of speech (Klatt, 1980, in cascade). English and Spanish.

// Sounds: length in ms, formants 1 to 3 in Hz, loudness of the throat, of the noise, and where the noise lies in Hz.
const SOUNDS = {
  w: [70, 300, 620, 2250, 0.7, 0, 0],
  u: [220, 322, 1236, 2390, 0.9, 0, 0],
  U: [110, 330, 760, 2250, 0.9, 0, 0], // as in "uno"
  V: [120, 660, 1220, 2450, 1, 0, 0],
  n: [90, 260, 1500, 2450, 0.5, 0, 0],
  i: [150, 290, 2250, 2950, 0.9, 0, 0],
  I: [104, 445, 2110, 2660, 1, 0, 0],
  E: [90, 560, 1800, 2500, 1, 0, 0],
  "@": [60, 500, 1450, 2450, 0.8, 0, 0],
  a: [110, 760, 1350, 2500, 1, 0, 0],
  A: [120, 700, 1700, 2450, 1, 0, 0],
  e: [122, 505, 2020, 2545, 1, 0, 0],
  o: [120, 470, 900, 2450, 1, 0, 0],
  j: [55, 280, 2200, 2950, 0.7, 0, 0],
  r: [70, 330, 1150, 1550, 0.7, 0, 0],
  R: [25, 400, 1500, 2450, 0.35, 0, 0], // the single stroke of Spanish
  s: [118, 400, 1720, 2540, 0, 0.12, 6300],
  z: [70, 330, 1600, 2600, 0.3, 0.2, 5200],
  f: [100, 350, 1100, 2300, 0, 0.16, 3600],
  v: [65, 300, 1100, 2300, 0.5, 0.06, 3600],
  T: [90, 350, 1300, 2500, 0, 0.14, 4600],
  d: [30, 260, 1700, 2600, 0.3, 0, 0],
  S: [75, 350, 1900, 2600, 0, 0.55, 3200],
  _: [70, 345, 1580, 2550, 0, 0, 0], // the stop before a burst
  t: [28, 395, 1840, 2700, 0, 0.4, 4900],
  k: [28, 350, 1900, 2450, 0, 0.3, 1900],
  p: [18, 400, 1000, 2300, 0, 0.4, 1100],
  h: [57, 437, 1567, 2570, 0, 0.15, 1870],
};
// By count, and 9 for the eight that is called before the first step. "'" stands before the sound that is on the beat.
const WORDS = {
  en: ["w'Vn", "_th'u", "Tr'i", "_th'A_p", "f'aIv", "s'I_ks", "s'Ev@n", "_th'A_p", "'eI_t"],
  es: ["'Uno", "d'os", "_tR'es", "_t'a_p", "s'in_ko", "s'eIs", "s'je_te", "_t'a_p", "'o_So"],
};
// Spanish has more sounds in a count, and no more time.
const PACE = { en: 1, es: 0.8 };
const RATE_HZ = 16000;
const PITCH_HZ = 132;
const BLEND_MS = 28;
const WIDTHS_HZ = [70, 100, 150, 250, 300];

function speak(word, pace) {
  const sounds = [];
  let length = 0, onset = 0;
  for (const letter of word) {
    if (letter === "'") onset = length;
    else {
      const [full, ...shape] = SOUNDS[letter];
      const ms = full * pace;
      sounds.push({ start: length, end: length + ms, shape });
      length += ms;
    }
  }
  return { samples: sing(sounds, length), onset: onset / 1000 };
}

function sing(sounds, length) {
  const samples = new Float32Array(Math.ceil(((length + 60) / 1000) * RATE_HZ));
  const throat = WIDTHS_HZ.map(() => [0, 0]), narrow = [0, 0];
  let phase = 0, dark = 0, seed = 1, loud = 0, rough = 0;
  for (let at = 0; at < samples.length; at += 1) {
    const ms = (at / RATE_HZ) * 1000;
    const [f1, f2, f3, voiced, noisy, place] = shapeAt(sounds, ms);
    // Loudness follows within a few ms, faster than the formants: a burst is sharp.
    loud += (voiced - loud) * (1 - Math.exp(-1000 / RATE_HZ / 6));
    rough += (noisy - rough) * (1 - Math.exp(-1000 / RATE_HZ / 2.5));
    seed = (seed * 1103515245 + 12345) % 2147483648;
    const hiss = seed / 1073741824 - 1;
    phase += (PITCH_HZ * (1.1 - 0.25 * (ms / length))) / RATE_HZ;
    phase %= 1;
    // The flow through the throat: opens slowly, closes fast.
    const flow = phase < 0.6 ? phase * phase * (0.6 - phase) * 13 : 0;
    const push = flow - dark;
    dark = flow;
    let sound = push * loud * 17.4 + hiss * loud * 0.012;
    [f1, f2, f3, 3500, 4500].forEach((formant, which) => { sound = resonate(throat[which], sound, formant, WIDTHS_HZ[which]); });
    const hissed = place ? resonate(narrow, hiss * rough, place, place * 0.35) : (narrow.fill(0), 0);
    samples[at] = sound * 0.3 + hissed * 0.25;
  }
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return samples.map((sample) => (0.8 * sample) / peak);
}

function shapeAt(sounds, ms) {
  const at = sounds.findIndex(({ end }) => ms < end);
  if (at < 0) return [...sounds.at(-1).shape.slice(0, 3), 0, 0, 0];
  const { start, end, shape } = sounds[at];
  // Formants glide from one sound to the next.
  const near = ms - start < BLEND_MS ? sounds[at - 1] : end - ms < BLEND_MS ? sounds[at + 1] : null;
  if (!near) return shape;
  const part = 0.5 + Math.min(ms - start, end - ms) / BLEND_MS / 2;
  return shape.map((own, which) => (which < 3 ? own * part + near.shape[which] * (1 - part) : own));
}

function resonate(memory, sound, formant, width) {
  const radius = Math.exp((-Math.PI * width) / RATE_HZ);
  const back = 2 * radius * Math.cos((2 * Math.PI * formant) / RATE_HZ);
  const out = (1 - back + radius * radius) * sound + back * memory[0] - radius * radius * memory[1];
  memory[1] = memory[0];
  memory[0] = out;
  return out;
}

// Makes each word once.
export function voice(language) {
  const made = new Map();
  return (context, count) => {
    if (!made.has(count)) {
      const { samples, onset } = speak(WORDS[language][count - 1], PACE[language]);
      const buffer = context.createBuffer(1, samples.length, RATE_HZ);
      buffer.copyToChannel(samples, 0);
      made.set(count, { buffer, onset });
    }
    return made.get(count);
  };
}
