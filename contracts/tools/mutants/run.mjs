#!/usr/bin/env node
// Plants one bug at a time in a copy of the contracts and runs the one invariant
// that should notice. A bug that nobody notices is a hole in the tests.
//
//   node tools/mutants/run.mjs           all
//   node tools/mutants/run.mjs epoch     those whose description has the word
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import mutants from './mutants.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const copy = join(root, 'cache', `mutants-${process.pid}`);
const word = process.argv[2] ?? '';

// forge finds what is compiled already in the copied out and cache: only the changed file is compiled again.
rmSync(copy, { recursive: true, force: true });
mkdirSync(join(copy, 'cache'), { recursive: true });
const parts = ['src', 'test', 'foundry.toml', 'out', 'cache/solidity-files-cache.json', 'node_modules/@openzeppelin'];
for (const name of parts) cpSync(join(root, name), join(copy, name), { recursive: true, preserveTimestamps: true });
symlinkSync(join(root, 'tools'), join(copy, 'tools'));

function run(m) {
  const file = join(copy, m.file);
  const good = readFileSync(file, 'utf8');
  if (good.split(m.find).length !== 2) return `"${m.find}" is not exactly once in ${m.file}`;
  try {
    writeFileSync(file, good.replace(m.find, () => m.replace));
    const { status, stdout, stderr } = spawnSync(
      'forge',
      ['test', '--match-contract', m.contract, '--match-test', m.test],
      { cwd: copy, encoding: 'utf8', env: { ...process.env, FOUNDRY_PROFILE: 'mutants' }, maxBuffer: 1 << 28 },
    );
    const text = stdout + stderr;
    if (/Compiler run failed|No tests/.test(text)) return `does not run:\n${text}`;
    if (status === 0) return 'nobody noticed';
    const why = /\[FAIL: ([^\]]*)\]/.exec(text)?.[1] ?? '';
    return why !== '' && why.includes(m.says) ? '' : `failed for another reason: ${why || text}`;
  } finally {
    writeFileSync(file, good);
  }
}

let missed = 0;
for (const m of mutants.filter((m) => m.bug.includes(word))) {
  const trouble = run(m);
  console.log(`${trouble ? 'MISSED' : 'caught'}  ${m.test}: ${m.bug}${trouble ? `\n        ${trouble}` : ''}`);
  if (trouble) missed++;
}
rmSync(copy, { recursive: true, force: true });
console.log(missed ? `${missed} planted bugs were not caught` : 'every planted bug was caught');
process.exit(missed ? 1 : 0);
