/** The texts of the Classroom page in the language that is chosen. */

import { language, type Table } from '../language.svelte';
import { en } from './en';
import { fr } from './fr';
import { km } from './km';
import { lo } from './lo';
import type { ClassroomTexts } from './texts';
import { th } from './th';
import { vi } from './vi';

export type { ClassroomTexts };

export const CLASSROOM: Table<ClassroomTexts> = { en, fr, vi, th, lo, km };

/** What the page says, in the language of the moment: read anew in every component when the choice changes. */
export function classroomTexts(): ClassroomTexts {
  return CLASSROOM[language.code];
}
