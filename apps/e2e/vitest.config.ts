import { configDefaults } from 'vitest/config';
import { project } from '../../vitest.project.ts';

export default project(import.meta.url, { exclude: [...configDefaults.exclude, 'test/page/**'] });
