// Loaded into every process of a test (NODE_OPTIONS=--require): no socket reaches a network, and who tries is written down.
const { appendFileSync } = require('node:fs');
const dns = require('node:dns');
const net = require('node:net');

function refuse(what) {
  appendFileSync(process.env.LABELSCOPE_ATTEMPTS, `${process.argv.slice(1).join(' ')}: ${what}\n`);
  throw Object.assign(new Error(`No network: ${what}`), { code: 'ENETUNREACH' });
}

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...args) {
  const [to] = Array.isArray(args[0]) ? args[0] : args;
  const isLocal = typeof to === 'string' || typeof to?.path === 'string';
  return isLocal ? connect.apply(this, args) : refuse(`connect ${JSON.stringify(to)}`);
};
for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) {
  dns[name] = (host) => refuse(`${name} ${host}`);
  dns.promises[name] = (host) => refuse(`${name} ${host}`);
}
globalThis.fetch = (address) => refuse(`fetch ${address}`);
