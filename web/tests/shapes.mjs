/** What an answer consists of, without its values: for comparing what two sides say. */

/** Objects whose keys are data, such as the lines of a map: of these only the kind counts. */
const DATA_KEYS = new Set(['inputs', 'map']);

/**
 * The shape of a JSON value: the kinds that occur, the keys of its objects, and one shape for all items of its lists.
 * Below a key of `anyKind` nothing is looked at.
 */
export function shapeOf(value, anyKind = new Set()) {
  const shape = { kinds: new Set(), keys: null, items: null };
  take(shape, value, anyKind);
  return shape;
}

function take(shape, value, anyKind) {
  if (Array.isArray(value)) {
    shape.kinds.add('list');
    shape.items ??= { kinds: new Set(), keys: null, items: null };
    for (const item of value) take(shape.items, item, anyKind);
  } else if (value !== null && typeof value === 'object') {
    shape.kinds.add('object');
    shape.keys ??= new Map();
    for (const [key, below] of Object.entries(value)) {
      if (!shape.keys.has(key)) shape.keys.set(key, { kinds: new Set(), keys: null, items: null });
      const isData = DATA_KEYS.has(key) && below !== null && typeof below === 'object';
      if (isData) shape.keys.get(key).kinds.add('object');
      else if (!anyKind.has(key)) take(shape.keys.get(key), below, anyKind);
    }
  } else {
    shape.kinds.add(value === null ? 'null' : typeof value);
  }
}

/**
 * In what the mock's shape differs from the hub's, as sentences; empty if in nothing. Where one side shows null or an
 * empty list only, there is nothing to compare.
 */
export function differences(hub, mock, path) {
  const troubles = [];
  const [hubKinds, mockKinds] = [hub, mock].map(({ kinds }) => [...kinds].filter((kind) => kind !== 'null'));
  const strange = mockKinds.filter((kind) => !hubKinds.includes(kind));
  if (hubKinds.length > 0 && strange.length > 0) troubles.push(`${path}: ${strange.join(', ')} in the mock, ${hubKinds.join(', ')} in the hub`);
  if (hub.keys && mock.keys) {
    for (const [key, below] of hub.keys) {
      if (mock.keys.has(key)) troubles.push(...differences(below, mock.keys.get(key), `${path} ${key}`));
      else troubles.push(`${path} ${key}: not in the mock`);
    }
    for (const key of mock.keys.keys()) if (!hub.keys.has(key)) troubles.push(`${path} ${key}: not in the hub`);
  }
  if (hub.items && mock.items) troubles.push(...differences(hub.items, mock.items, `${path}[]`));
  return troubles;
}
