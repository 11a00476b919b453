/**
 * A small ladder engine for the mock: it reads the text form of programs and evaluates the instructions that the mock's
 * programs use. Decorators are drawn and pass the power on; the other instructions do nothing.
 */

const OPERANDS = {
  XIC: ['address'], XIO: ['address'], OTE: ['address'], OTL: ['address'], OTU: ['address'], RES: ['address'],
  TON: ['address', 'preset'], TOF: ['address', 'preset'], RTO: ['address', 'preset'],
  CTU: ['address', 'preset'], CTD: ['address', 'preset'],
  ADD: ['sourceA', 'sourceB', 'dest'], SUB: ['sourceA', 'sourceB', 'dest'], MUL: ['sourceA', 'sourceB', 'dest'], DIV: ['sourceA', 'sourceB', 'dest'],
  MOV: ['source', 'dest'], SCL: ['source', 'inMin', 'inMax', 'outMin', 'outMax', 'dest'],
  EQU: ['sourceA', 'sourceB'], NEQ: ['sourceA', 'sourceB'], LES: ['sourceA', 'sourceB'], LEQ: ['sourceA', 'sourceB'], GRT: ['sourceA', 'sourceB'], GEQ: ['sourceA', 'sourceB'],
};
const DECORATORS = { TON: ['address', 'preset'], TOF: ['address', 'preset'], COUNTER: ['address', 'preset'], OSR: [], OSF: [], DEBOUNCE: ['debounceTime'] };
const ADDRESS = /^([IOBN]:\d+(\/\d+)?|[TC]:\d+(\.[A-Z]+)?)$/;

/** Reads a program: `{program}`, or what is wrong as `{diagnostics}`. */
export function readProgram(text) {
  const program = { name: '', symbols: [], rungs: [], diagnostics: [], text };
  const symbols = new Map();
  let texts = ['', ''];
  let instruction = 0;
  const wrong = [];
  text.split('\n').forEach((line, index) => {
    const words = line.match(/"(?:[^"\\]|\\.)*"|[{}]|[^\s{}]+/g) ?? [];
    const quoted = (word = '') => word.replace(/^"|"$/g, '');
    const refuse = (said) => wrong.push({ code: 'E103', severity: 'error', refuses: true, rung: words[0] === 'SOR' ? program.rungs.length : null, column: null, line: index + 1, character: 1, text: said });
    switch (words[0]) {
      case undefined:
        return;
      case 'PROGRAM':
        program.name = quoted(words[1]);
        return;
      case 'SYM':
        program.symbols.push({ name: words[1], address: words[2], type: words[3] ?? '', description: quoted(words[4]) });
        symbols.set(words[1], words[2]);
        return;
      case 'RUNG':
        texts = [quoted(words[1]), quoted(words[2])];
        return;
      case 'SOR': {
        const reader = { words: words.slice(1), symbols, next: () => instruction++, column: 0, refuse };
        program.rungs.push({ title: texts[0], comment: texts[1], text: line, elements: readPath(reader, ['EOR']) });
        texts = ['', ''];
        return;
      }
      default:
        if (!words[0].startsWith('#')) refuse(`expected SOR, RUNG, SYM, PROGRAM or #, got \`${words[0]}\``);
    }
  });
  program.instructions = instruction;
  if (wrong.length > 0 || program.rungs.length === 0) {
    return { diagnostics: wrong.length > 0 ? wrong : [{ code: 'E103', severity: 'error', refuses: true, rung: null, column: null, line: 1, character: 1, text: 'expected a program with at least one rung' }] };
  }
  program.diagnostics = check(program);
  return { program };
}

function readOperands(reader, roles) {
  return roles.map((role) => {
    const text = reader.words.shift() ?? '?';
    const address = ADDRESS.test(text) ? text : (reader.symbols.get(text) ?? null);
    if (address === null && !/^-?\d+$/.test(text) && text !== '?') reader.refuse(`\`${text}\` is no address, no number and no symbol`);
    return { role, text: text === '?' ? '' : text, address };
  });
}

function readPath(reader, ends) {
  const path = [];
  for (;;) {
    const word = reader.words.shift();
    if (word === undefined || ends.includes(word)) {
      reader.ended = word;
      return path;
    }
    if (word === 'BST') {
      const branch = [];
      do branch.push(readPath(reader, ['NXB', 'BND']));
      while (reader.ended === 'NXB');
      path.push({ branch });
    } else if (word === '{') {
      const type = reader.words.shift();
      path.at(-1)?.decorators.push({ type, operands: readOperands(reader, DECORATORS[type] ?? []) });
      reader.words.shift();
    } else if (!OPERANDS[word]) {
      reader.refuse(`expected an instruction such as XIC, OTE or TON, got \`${word}\``);
      return path;
    } else {
      path.push({ instruction: reader.next(), type: word, column: reader.column++, operands: readOperands(reader, OPERANDS[word]), decorators: [] });
    }
  }
}

/** Two of the checks of the real engine: an output without condition, and one written in two rungs. */
function check({ rungs }) {
  const found = [];
  const written = new Map();
  rungs.forEach(({ elements }, rung) => {
    const all = flat(elements);
    const [first] = all;
    const message = (code, column, text) => found.push({ code, severity: code.startsWith('W') ? 'warning' : 'error', refuses: false, rung, column, line: null, character: null, text });
    if (all.length === 1 && first && !/^X|^(EQU|NEQ|LES|LEQ|GRT|GEQ)$/.test(first.type)) message('E003', first.column, `${first.type} without a condition is always on`);
    for (const { type, column, operands } of all) {
      if (type !== 'OTE') continue;
      const { address } = operands[0];
      if (written.has(address)) message('E006', column, `${address} is also written by OTE in rung ${written.get(address)}; the last one wins`);
      else written.set(address, rung);
    }
  });
  return found;
}

function flat(elements) {
  return elements.flatMap((element) => (element.branch ? element.branch.flatMap(flat) : [element]));
}

/** The memory of the mock's engine, with forces. Values are held by address. */
export class Memory {
  #cells = new Map();
  forces = new Map();

  clear() {
    this.#cells.clear();
    this.forces.clear();
  }

  read(address) {
    if (this.forces.has(address)) return this.forces.get(address).value;
    const [word, bit] = address.split('/');
    // A bit of an integer is a view of its word, as it is in the real engine.
    if (bit !== undefined && address.startsWith('N:')) return ((this.read(word) >>> Number(bit)) & 1) === 1;
    return this.#cells.get(address) ?? (isBit(address) ? false : 0);
  }

  /** What stands underneath a force. */
  under(address) {
    return this.#cells.get(address) ?? (isBit(address) ? false : 0);
  }

  write(address, value) {
    this.#cells.set(address, isBit(address) ? Boolean(value) : Math.trunc(Number(value)));
  }

  word(region, index) {
    let word = 0;
    for (let bit = 0; bit < 32; bit += 1) if (this.read(`${region}:${index}/${bit}`)) word |= 1 << bit;
    return word >>> 0;
  }
}

export function isBit(address) {
  return address.includes('/') || /\.(EN|TT|DN|OV|UN|CU|CD)$/.test(address);
}

/** One scan of `program` from rung `from` to before rung `to`; `power` gets a bit per instruction. */
export function scan(program, memory, dt_ms, power, from = 0, to = program.rungs.length) {
  const run = { memory, dt_ms, power };
  for (const { elements } of program.rungs.slice(from, to)) series(elements, true, run);
}

function series(elements, power, run) {
  let flow = power;
  for (const element of elements) {
    if (element.branch) {
      const outs = element.branch.map((path) => series(path, flow, run));
      flow = outs.includes(true);
    } else {
      flow = execute(element, flow, run);
      const [at, bit] = [element.instruction >> 3, 1 << (element.instruction & 7)];
      run.power[at] = flow ? run.power[at] | bit : run.power[at] & ~bit;
    }
  }
  return flow;
}

const COMPARE = { EQU: (a, b) => a === b, NEQ: (a, b) => a !== b, LES: (a, b) => a < b, LEQ: (a, b) => a <= b, GRT: (a, b) => a > b, GEQ: (a, b) => a >= b };
const MATH = { ADD: (a, b) => a + b, SUB: (a, b) => a - b, MUL: (a, b) => a * b, DIV: (a, b) => (b === 0 ? 0 : a / b) };

function execute({ type, operands }, power, { memory, dt_ms }) {
  const place = operands[0].address;
  const value = (role) => {
    const { text, address } = operands.find((operand) => operand.role === role);
    return address === null ? Number(text) : Number(memory.read(address));
  };
  if (COMPARE[type]) return power && COMPARE[type](value('sourceA'), value('sourceB'));
  const dest = operands.find(({ role }) => role === 'dest')?.address;
  if (MATH[type] && power) memory.write(dest, MATH[type](value('sourceA'), value('sourceB')));
  switch (type) {
    case 'XIC':
      return power && memory.read(place);
    case 'XIO':
      return power && !memory.read(place);
    case 'OTE':
      memory.write(place, power);
      break;
    case 'OTL':
      if (power) memory.write(place, true);
      break;
    case 'OTU':
      if (power) memory.write(place, false);
      break;
    case 'MOV':
      if (power) memory.write(dest, value('source'));
      break;
    case 'SCL':
      if (power) memory.write(dest, ((value('source') - value('inMin')) * (value('outMax') - value('outMin'))) / (value('inMax') - value('inMin')) + value('outMin'));
      break;
    case 'TON': {
      const acc = power ? Math.min(memory.read(`${place}.PRE`), memory.read(`${place}.ACC`) + dt_ms) : 0;
      memory.write(`${place}.ACC`, acc);
      memory.write(`${place}.EN`, power);
      memory.write(`${place}.DN`, power && acc >= memory.read(`${place}.PRE`));
      memory.write(`${place}.TT`, power && acc < memory.read(`${place}.PRE`));
      break;
    }
    case 'CTU':
      if (power && !memory.read(`${place}.CU`)) memory.write(`${place}.ACC`, memory.read(`${place}.ACC`) + 1);
      memory.write(`${place}.CU`, power);
      memory.write(`${place}.DN`, memory.read(`${place}.ACC`) >= memory.read(`${place}.PRE`));
      break;
    case 'RES':
      if (power) for (const member of ['ACC', 'DN', 'TT', 'EN', 'CU']) memory.write(`${place}.${member}`, 0);
      break;
    default:
  }
  return power;
}

/** Loads the presets of timers and counters, as a start does. */
export function loadPresets(program, memory) {
  for (const { elements } of program.rungs) {
    for (const { type, operands } of flat(elements)) {
      const preset = operands.find(({ role }) => role === 'preset');
      if (preset && OPERANDS[type]?.length === 2 && operands[0].address) memory.write(`${operands[0].address}.PRE`, Number(preset.text));
    }
  }
}

/** Every address that a program and its symbols name; a timer or counter with its members. */
export function addressesOf({ rungs, symbols }) {
  const operands = rungs.flatMap(({ elements }) => flat(elements)).flatMap(({ operands: own, decorators }) => [...own, ...decorators.flatMap((each) => each.operands)]);
  const named = [...operands, ...symbols].map(({ address }) => address).filter(Boolean);
  return [...new Set(named.flatMap(members))];
}

export function members(address) {
  if (/^T:\d+$/.test(address)) return ['PRE', 'ACC', 'EN', 'TT', 'DN'].map((member) => `${address}.${member}`);
  if (/^C:\d+$/.test(address)) return ['PRE', 'ACC', 'DN', 'OV', 'UN', 'CU', 'CD'].map((member) => `${address}.${member}`);
  return [address];
}
