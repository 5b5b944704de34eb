// The health check of the container: exits with 0 when the service beside it serves.
import { serves } from '@rollcall/environment';

process.exitCode = (await serves(process.env['CHAT_LISTEN'] || '127.0.0.1:50052', process.env)) ? 0 : 1;
