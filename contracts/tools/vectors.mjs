#!/usr/bin/env node
// Writes vectors/eip712.json: what every language must compute from the signed
// types. Hashes are encoded here by hand from EIP-712 over js-sha3; signatures
// come from cast, which also hashes the typed data by itself: the two paths
// must agree before a vector is written.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

const { keccak256 } = createRequire(import.meta.url)('js-sha3');

const TYPES = {
  EIP712Domain: 'string name,string version,uint256 chainId,address verifyingContract',
  Voucher: 'address renter,address provider,uint64 lane,uint96 cumulative,bytes32 memo',
  Reserve: 'address renter,address provider,uint64 lane,uint24 epoch,uint96 cap,uint40 validUntil',
  Lease:
    'address renter,address provider,uint64 lane,uint40 start,uint40 end,uint96 penalty,uint8 rule,bytes32 terms',
  Result: 'bytes32 lease,uint64 task,uint32 attempt,bytes32 outputRoot,int32 exitCode',
};
const members = (type) => TYPES[type].split(',').map((m) => m.split(' '));
const typeString = (type) => `${type}(${TYPES[type]})`;

const bytes = (hex) => Buffer.from(hex.replace(/^0x/, ''), 'hex');
const hash = (data) => `0x${keccak256(typeof data === 'string' ? Buffer.from(data) : data)}`;
const cast = (...args) => execFileSync('cast', args, { encoding: 'utf8' }).trim();

// One 32-byte word of EIP-712's encodeData.
function word(type, value) {
  if (type === 'string') return bytes(hash(value));
  if (type === 'bytes32') return bytes(value);
  if (type === 'address') return Buffer.concat([Buffer.alloc(12), bytes(value)]);
  return bytes(BigInt.asUintN(256, BigInt(value)).toString(16).padStart(64, '0'));
}
const structHash = (type, fields) =>
  hash(Buffer.concat([bytes(hash(typeString(type))), ...members(type).map(([t, n]) => word(t, fields[n]))]));

const secret = (name) => hash(`artel vector ${name}`);
const addressOf = (key) => cast('wallet', 'address', '--private-key', key).toLowerCase();
const id = (name) => hash(`artel vector ${name}`);
const account = (name) => addressOf(secret(name));

const ledger = (chainId, at) => ({ name: 'artel Ledger', version: '1', chainId, verifyingContract: at });
const stake = (chainId, at) => ({ name: 'artel Stake', version: '1', chainId, verifyingContract: at });
const L1 = ledger(7_327_835, '0x0000000000000000000000000000000000a47e11');
const L2 = ledger(1, '0xc0ffee254729296a45a3885639ac7e10f9d54979');
const S1 = stake(7_327_835, '0x0000000000000000000000000000000000a47e12');
const S2 = stake(1, '0x999999cf1046e68e36e1aa2e0e07105eddd1f08e');

const max = (bits) => String((1n << BigInt(bits)) - 1n);
const tagged = (name, n) => String((BigInt(account(name)) & 0xffffffffn) * (1n << 32n) + BigInt(n));

function make(name, domain, type, fields, by) {
  const separator = structHash('EIP712Domain', domain);
  const struct = structHash(type, fields);
  const digest = hash(Buffer.concat([bytes('1901'), bytes(separator), bytes(struct)]));
  const key = secret(by);

  const typed = {
    types: Object.fromEntries(
      ['EIP712Domain', type].map((t) => [t, members(t).map(([mt, mn]) => ({ name: mn, type: mt }))]),
    ),
    domain,
    primaryType: type,
    message: fields,
  };
  const signature = cast('wallet', 'sign', '--private-key', key, '--no-hash', digest);
  const byTypedData = cast('wallet', 'sign', '--private-key', key, '--data', JSON.stringify(typed));
  if (signature !== byTypedData) throw new Error(`${name}: cast hashes the typed data differently`);
  const sig = bytes(signature);
  sig[32] |= (sig[64] - 27) << 7; // EIP-2098: the parity of y goes into the top bit of s

  return {
    name,
    domain,
    type,
    typeString: typeString(type),
    fields,
    typeHash: hash(typeString(type)),
    domainSeparator: separator,
    structHash: struct,
    digest,
    privateKey: key,
    signer: addressOf(key),
    r: `0x${sig.subarray(0, 32).toString('hex')}`,
    vs: `0x${sig.subarray(32, 64).toString('hex')}`,
  };
}

const [renter, provider] = [account('renter'), account('provider')];
const zero32 = `0x${'00'.repeat(32)}`;
const vectors = [];
const add = (...args) => vectors[vectors.push(make(...args)) - 1];

const voucher = (more) => ({ renter, provider, lane: '1', cumulative: '1', memo: zero32, ...more });
add('voucher: smallest', L1, 'Voucher', voucher({ lane: '0' }), 'renter');
add('voucher: by the account, with a memo', L1, 'Voucher',
  voucher({ lane: '81985529216486895', cumulative: '1234567890123456789', memo: id('memo') }), 'renter');
add('voucher: by a session key, on its lane', L1, 'Voucher',
  voucher({ lane: tagged('renter key', 7), cumulative: '50000000' }), 'renter key');
add('voucher: largest, another chain and contract', L2, 'Voucher',
  voucher({ lane: max(64), cumulative: max(96), memo: `0x${'ff'.repeat(32)}` }), 'renter');

const reserve = (more) => ({ renter, provider, lane: '1', epoch: '0', cap: '1', validUntil: '1800000000', ...more });
add('reserve: first epoch', L1, 'Reserve', reserve({ cap: '600000000' }), 'renter');
add('reserve: by a session key, later epoch', L1, 'Reserve',
  reserve({ lane: tagged('renter key', 7), epoch: '3', cap: '1000000000000000000' }), 'renter key');
add('reserve: largest, another chain and contract', L2, 'Reserve',
  reserve({ lane: max(64), epoch: max(24), cap: max(96), validUntil: max(40) }), 'renter');

const lease = (more) => ({
  renter, provider, lane: '1', start: '1790000000', end: '1790003600', penalty: '1000000', rule: '1', terms: id('terms'), ...more,
});
const l1 = add('lease: by the provider', S1, 'Lease', lease(), 'provider');
add('lease: the same by the renter', S1, 'Lease', lease(), 'renter');
const l2 = add('lease: by the provider\'s session key, no penalty', S1, 'Lease',
  lease({ lane: tagged('renter key', 7), penalty: '0', rule: '3' }), 'provider key');
const l3 = add('lease: largest, another chain and contract', S2, 'Lease',
  lease({ lane: max(64), start: max(40), end: max(40), penalty: max(96), rule: max(8), terms: `0x${'ff'.repeat(32)}` }), 'provider');

const result = (more) => ({ lease: l1.digest, task: '0', attempt: '1', outputRoot: id('output'), exitCode: '0', ...more });
add('result: success', S1, 'Result', result(), 'provider');
add('result: the same attempt, another output', S1, 'Result', result({ outputRoot: id('other output') }), 'provider');
add('result: killed by a signal, by a session key', S1, 'Result',
  result({ lease: l2.digest, task: '15', attempt: '4', outputRoot: zero32, exitCode: '-9' }), 'provider key');
add('result: least exit code, largest numbers', S2, 'Result',
  result({ lease: l3.digest, task: max(64), attempt: max(32), exitCode: '-2147483648' }), 'provider');

process.stdout.write(
  JSON.stringify(
    {
      about:
        'EIP-712 digests and EIP-2098 signatures (deterministic, RFC 6979) of the four signed types. Integers are decimal strings. Made by contracts/tools/vectors.mjs. The keys are public: never fund them.',
      vectors,
    },
    null,
    2,
  ) + '\n',
);
