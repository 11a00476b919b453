/**
 * Puts `licences.txt` beside the page: what else is in the binary, with the words under which its authors give it away. The hub's own
 * parts are asked from cargo, those of the page are the packages whose modules it bundles. A part without such words is an error.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';
import { noticesOf, type Part } from './notices.ts';

/** The package that the binary is built from. */
const BINARY = 'crosstie';
/** What cargo may print: the description of some hundred packages. */
const METADATA_BYTES_MAX = 64 * 1024 * 1024;
const LICENCE_FILE = /^(un)?(licen[cs]e|copying|copyright|notice)([-._].*)?$/i;

export function notices(): Plugin {
  let root = '';
  const folders = new Set<string>();
  return {
    name: 'notices',
    apply: 'build',
    configResolved(config) {
      root = config.root;
    },
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        for (const id of chunk.moduleIds) {
          const [folder] = /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id.replaceAll('\0', '')) ?? [];
          if (folder !== undefined) folders.add(folder);
        }
      }
      const parts = [...cratesOf(root), ...[...folders].map(packageAt)];
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: noticesOf(parts) });
    },
  };
}

interface Metadata {
  packages: { id: string; name: string; version: string; license: string | null; manifest_path: string; source: string | null }[];
  resolve: { nodes: { id: string; deps: { pkg: string; dep_kinds: { kind: string | null }[] }[] }[] };
}

/** The crates that are linked into the binary, with its default features. */
function cratesOf(root: string): Part[] {
  const text = execFileSync('cargo', ['metadata', '--format-version', '1', '--locked'], { cwd: root, encoding: 'utf8', maxBuffer: METADATA_BYTES_MAX });
  const { packages, resolve } = JSON.parse(text) as Metadata;
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const linked = new Set<string>();
  const follow = (id: string): void => {
    if (linked.has(id)) return;
    linked.add(id);
    for (const { pkg, dep_kinds } of nodes.get(id)?.deps ?? []) if (dep_kinds.some(({ kind }) => kind === null)) follow(pkg);
  };
  const binary = packages.find(({ name }) => name === BINARY);
  if (!binary) throw new Error(`cargo knows no package ${BINARY}`);
  follow(binary.id);
  return packages
    .filter(({ id, source }) => linked.has(id) && source !== null)
    .map(({ name, version, license, manifest_path }) => ({ name, version, licence: license ?? '', texts: textsIn(dirname(manifest_path)) }));
}

function packageAt(folder: string): Part {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; version: string; license?: string };
  return { name, version, licence: license ?? '', texts: textsIn(folder) };
}

function textsIn(folder: string): Map<string, string> {
  const files = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return new Map(files.filter((file) => file.isFile() && LICENCE_FILE.test(file.name)).map(({ name }) => [name, readFileSync(join(folder, name), 'utf8')]));
}
