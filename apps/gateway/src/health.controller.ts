import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Upstreams } from './upstreams.ts';

/** For whoever runs the gateway: whether it lives, and whether it can answer. */
@Controller()
export class HealthController {
  constructor(private readonly upstreams: Upstreams) {}

  @Get('healthz')
  healthz(): object {
    return { status: 'ok' };
  }

  @Get('readyz')
  async readyz(@Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const upstreams = await this.upstreams.check();
    const ready = Object.values(upstreams).every(Boolean);
    reply.status(ready ? 200 : 503);
    return { status: ready ? 'ok' : 'unavailable', upstreams };
  }
}
