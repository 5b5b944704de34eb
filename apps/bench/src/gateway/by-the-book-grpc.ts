import { fileURLToPath } from 'node:url';
import { loaderOptions } from '@rollcall/contract';
import { type GrpcOptions, Transport } from '@nestjs/microservices';

const proto = fileURLToPath(new URL('../../../../proto', import.meta.url));

/** Nest's own gRPC transport over the user contract, for the server and for its client. */
export function userServiceOptions(url: string): GrpcOptions {
  return {
    transport: Transport.GRPC,
    options: {
      url,
      package: 'rollcall.user.v1',
      protoPath: 'rollcall/user/v1/user_service.proto',
      loader: { ...loaderOptions, includeDirs: [proto, `${proto}/third_party`] },
    },
  };
}
