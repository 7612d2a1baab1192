// A tentacle as the backend sees it (docs/protocol.md sections 1 to 3), played by the test.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const { WebSocket } = require('ws');

const ANSWER_WITHIN_MS = 20_000;

const base64url = (value) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export class FakeTentacle extends EventEmitter {
  #backend;
  #keys = generateKeyPairSync('ed25519');
  #socket = null;
  #received = [];

  constructor(backend) {
    super();
    this.#backend = backend;
    this.setMaxListeners(0);
  }

  // Exchanges the token for a node id.
  async enroll(token, facts) {
    const { x } = this.#keys.publicKey.export({ format: 'jwk' });
    const response = await fetch(`${this.#backend}/api/v1/tentacles/enroll`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        token,
        machineId: randomBytes(16).toString('hex'),
        publicKey: Buffer.from(x, 'base64url').toString('base64'),
        version: '0.1.0',
        arch: 'x86_64',
        ...facts,
      }),
    });
    if (response.status !== 201)
      throw new Error(`enroll: ${response.status} ${await response.text()}`);
    this.nodeId = (await response.json()).nodeId;
    return this.nodeId;
  }

  #token() {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.nodeId,
      aud: 'octofleet',
      iat: now,
      exp: now + 300,
      jti: randomBytes(12).toString('hex'),
    };
    const head = `${base64url({ alg: 'EdDSA', typ: 'JWT' })}.${base64url(claims)}`;
    return `${head}.${sign(null, Buffer.from(head), this.#keys.privateKey).toString('base64url')}`;
  }

  async connect() {
    const url = `${this.#backend.replace(/^http/, 'ws')}/api/v1/tentacles/ws`;
    this.#socket = new WebSocket(url, {
      headers: { Authorization: `Bearer ${this.#token()}` },
    });
    this.#socket.on('message', (data) => this.#heard(JSON.parse(data.toString())));
    await once(this.#socket, 'open', {
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  }

  async disconnect() {
    this.#socket.close();
    await once(this.#socket, 'close', {
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  }

  // A command is kept by the backend until it is acknowledged.
  #heard(message) {
    if (message.id) this.send({ type: 'ack', id: message.id });
    this.#received.push(message);
    this.emit('heard', message);
  }

  send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  // The first message of a type, heard already or yet to come, for which `is` holds.
  async hears(type, is = () => true) {
    const wanted = (message) => message.type === type && is(message);
    const already = this.#received.find(wanted);
    if (already) return already;
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.off('heard', look);
        const heard = this.#received.map((message) => message.type).join(', ');
        reject(new Error(`no ${type} was heard, only: ${heard}`));
      }, ANSWER_WITHIN_MS);
      const look = (message) => {
        if (!wanted(message)) return;
        clearTimeout(timer);
        this.off('heard', look);
        resolve(message);
      };
      this.on('heard', look);
    });
  }

  taskStatus(taskId, status, stage, progress, message = '') {
    this.send({
      type: 'task.status',
      taskId,
      status,
      stage,
      progress,
      message,
      time: new Date().toISOString(),
    });
  }

  timeline(taskId, step, detail, time) {
    this.send({
      type: 'task.timeline',
      taskId,
      step,
      detail,
      time: new Date(time).toISOString(),
    });
  }
}
