#!/usr/bin/env node
// A file of its own, so that npm can link it before anything is built.
import { main } from '../dist/generate/main.js';

process.exitCode = main(process.argv.slice(2));
