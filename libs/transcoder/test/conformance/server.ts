/**
 * A server for connectconformance to judge: its service on libs/grpc, alone (`--direct`) or behind a gateway of
 * libs/transcoder. It reads a ServerCompatRequest from its input and answers where it listens.
 */
import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type Message } from '@bufbuild/protobuf';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcChannel, GrpcServer, TlsFiles } from '@rollcall/grpc';
import { transcoderAdapter, TranscoderModule } from '@rollcall/transcoder';
import { conformanceContract, service } from './contract.ts';
import { readMessages, writeMessage } from './framing.ts';
import { conformanceController } from './service.ts';

interface CompatRequest extends Message {
  readonly useTls: boolean;
  readonly clientTlsCert: Uint8Array;
  readonly messageReceiveLimit: number;
  readonly serverCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
}

const contract = conformanceContract();
const [requestType, responseType] = ['ServerCompatRequest', 'ServerCompatResponse'].map((name) => {
  const desc = contract.registry.getMessage(`connectrpc.conformance.v1.${name}`);
  if (desc === undefined) throw new Error(`the suite has no ${name}`);
  return desc;
});
if (requestType === undefined || responseType === undefined) throw new Error('the suite has no messages');

const { value } = await readMessages(process.stdin, requestType).next();
const asked = value as CompatRequest;
const maxBytes = asked.messageReceiveLimit > 0 ? asked.messageReceiveLimit : 4 * 1024 * 1024;
const tls =
  asked.useTls && asked.serverCreds !== undefined
    ? {
        cert: Buffer.from(asked.serverCreds.cert),
        key: Buffer.from(asked.serverCreds.key),
        ...(asked.clientTlsCert.length > 0 && {
          ca: Buffer.from(asked.clientTlsCert),
          requestCert: true,
          rejectUnauthorized: true,
        }),
      }
    : undefined;

const directory = mkdtempSync(join(tmpdir(), 'conformance-'));
const direct = process.argv.includes('--direct');
const listen = direct ? '127.0.0.1:0' : `unix://${directory}/grpc.sock`;
const serviceModule = moduleOf({ controllers: [conformanceController(contract)] });
const grpc = new GrpcServer({
  listen,
  serve: [{ contract, services: [service] }],
  errorDomain: '',
  // The suite asks which deadline its callers gave.
  limits: { maxMessageBytes: direct ? maxBytes : 2 * maxBytes, defaultDeadlineMs: Infinity, maxDeadlineMs: Infinity },
  ...(direct && tls !== undefined && { tls: tlsFiles() }),
});
const app = await NestFactory.createMicroservice(serviceModule, { strategy: grpc, logger: ['error'] });
await app.listen();

let port: number;
let closeGateway = (): Promise<void> => Promise.resolve();
if (direct) port = Number(grpc.address.split(':').at(-1));
else {
  const channel = new GrpcChannel(listen, {
    defaultDeadlineMs: Infinity,
    channelOptions: { 'grpc.max_receive_message_length': -1 },
  });
  const gatewayModule = moduleOf({
    imports: [
      TranscoderModule.register({
        contracts: [contract],
        services: [service],
        channelFor: () => channel,
        maxBodyBytes: maxBytes,
        requestMetadata: ({ method }) => ({ 'x-http-method': method }),
      }),
    ],
  });
  const gateway = await NestFactory.create(gatewayModule, transcoderAdapter({ https: tls }), {
    logger: ['error'],
  });
  await gateway.listen(0, '127.0.0.1');
  port = Number(new URL(await gateway.getUrl()).port);
  closeGateway = async () => {
    await gateway.close();
    channel.close();
  };
}

writeMessage(
  process.stdout,
  responseType,
  create(responseType, {
    host: '127.0.0.1',
    port,
    ...(asked.useTls && { pemCert: asked.serverCreds?.cert }),
  }),
);

process.once('SIGTERM', () => {
  void (async () => {
    await closeGateway();
    await app.close();
    rmSync(directory, { recursive: true, force: true });
    process.exit(0);
  })();
});

function tlsFiles(): TlsFiles {
  const write = (name: string, text: Uint8Array): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  return new TlsFiles({
    cert: write('cert.pem', asked.serverCreds?.cert ?? new Uint8Array()),
    key: write('key.pem', asked.serverCreds?.key ?? new Uint8Array()),
    ...(asked.clientTlsCert.length > 0 && { ca: write('ca.pem', asked.clientTlsCert) }),
    callers: [],
    reloadMs: 60_000,
  });
}

function moduleOf(metadata: Parameters<typeof Module>[0]): Type {
  const module = class {};
  Module(metadata)(module);
  return module;
}
