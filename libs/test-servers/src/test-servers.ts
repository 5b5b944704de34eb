export { type Postgres, startPostgres } from './postgres.ts';
