// Whether a desktop's VS Code can be opened from here.
import { which } from './install';

export function hasDesktopCode(): boolean {
  const hasDisplay =
    process.platform !== 'linux' || process.env.DISPLAY !== undefined || process.env.WAYLAND_DISPLAY !== undefined;
  return hasDisplay && which('code') !== undefined;
}
