import { project } from '../../vitest.project.ts';

// Clients in other languages: they need Debian's python3-grpcio, protobuf-compiler, protobuf-compiler-grpc, libprotobuf-dev
// and ruby-grpc.
export default project(import.meta.url, {
  include: ['clients/**/*.spec.ts'],
  outputFile: { results: '.test/clients.json' },
});
