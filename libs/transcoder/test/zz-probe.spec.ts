import { it } from 'vitest';
import { rollcallContract, tutorialUserManagerContract, tutorialUserServiceContract } from '@rollcall/proto';
import { openApiDocument } from '../src/openapi.ts';
import { writeFileSync } from 'node:fs';
it('probe', () => {
  const t = performance.now();
writeFileSync('/tmp/openapi-probe/openapi.json', JSON.stringify(openApiDocument([rollcallContract], ['rollcall.user.v1.UserService'], { title: 'Rollcall', version: '0.1.0', description: 'A directory of users.' }), null, 2)+'\n');
console.log(performance.now() - t);
writeFileSync('/tmp/openapi-probe/openapi-all.json', JSON.stringify(openApiDocument([rollcallContract, tutorialUserManagerContract, tutorialUserServiceContract], ['rollcall.user.v1.UserService', 'UserManager','UserService', 'grpc.health.v1.Health'], { title: 'Rollcall', version: '0.1.0' }), null, 2)+'\n');
});
