import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { GrpcChannel } from '@rollcall/grpc';
import { batchClient } from '@rollcall/grpc-batching';
import { transcoderAdapter, TranscoderModule } from '@rollcall/transcoder';
import { contract, services } from '../gen/contract.js';
import { DocsController } from './docs.controller.js';

/** Builds the gateway before the service at `target`: the routes come from the contract. */
export async function createGateway(target: string): Promise<NestFastifyApplication> {
  const channel = new GrpcChannel(target, { contracts: [contract], unaryCalls: batchClient() });

  @Module({
    imports: [
      TranscoderModule.register({
        contracts: [contract],
        services,
        channelFor: () => channel,
        requestMetadata: ({ headers }): Record<string, string> => {
          const key = headers['x-api-key'];
          return typeof key === 'string' ? { 'x-api-key': key } : {};
        },
        drainMs: 1000,
      }),
    ],
    controllers: [DocsController],
  })
  class GatewayModule {
    onApplicationShutdown(): void {
      channel.close();
    }
  }

  return NestFactory.create<NestFastifyApplication>(GatewayModule, transcoderAdapter(), {
    logger: ['warn', 'error'],
  });
}
