// A realvirtual v2 client in Node 20 without packages:
//   node --experimental-websocket client.mjs [URL] [--subscribe A,B] [--write NAME=VALUE] [--expect NAME] [--count N] [--limit S]
import { parseArgs } from 'node:util';

const text = (fallback) => ({ type: 'string', default: fallback });
const { values: options, positionals: [url = 'ws://127.0.0.1:1234/'] } = parseArgs({ allowPositionals: true,
  options: { subscribe: text(), write: text(), expect: text(), count: text('5'), limit: text('10') } });
const leave = (reason) => { if (reason) console.error(`client: ${reason}`); process.exit(reason ? 1 : 0); };
const parse = (word) => { try { return JSON.parse(word); } catch { return word; } }; // true, 42, 2.5; all else is text
let seen = 0;
const socket = new WebSocket(url);
const send = (message) => socket.send(JSON.stringify({ version: 2, ...message }));
const on = {
  import_answer({ signals, signalTypes }) { // 2. the catalog: what there is; we ask for some of it, or for all
    for (const name in signals) console.log('catalog ', name, signalTypes[name], '=', signals[name]);
    send({ type: 'subscribe', subscribe: options.subscribe?.split(',') ?? Object.keys(signals) });
  },
  snapshot({ signals }) { // 3. the values that we subscribed to, complete; from here on only changes come
    console.log('snapshot', signals);
    const [, name, value] = options.write?.match(/^(.*?)=(.*)$/s) ?? [];
    if (name) send({ type: 'data', signals: { [name]: parse(value) } });
  },
  data({ signals }) { // 4. changes, for as long as we stay
    console.log('data    ', signals);
    if ((!options.expect || options.expect in signals) && ++seen == options.count) { socket.onclose = () => leave(); socket.close(); }
  } };
socket.onopen = () => { send({ type: 'init', name: 'Node example' }); send({ type: 'import_request' }); }; // 1. who we are
socket.onmessage = ({ data }) => { const message = JSON.parse(data); on[message.type]?.(message); };
socket.onerror = socket.onclose = () => leave(`no hub at ${url}, or it closed the connection`);
setTimeout(() => leave(`saw ${seen} of ${options.count} changes within ${options.limit} s`), options.limit * 1000);
