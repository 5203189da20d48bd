import {
  IconApi, IconArrowsShuffle, IconArrowsSplit2, IconBellRinging, IconBolt, IconBox, IconCalendarEvent, IconCalendarRepeat, IconClock, IconFlag, IconFlask, IconGauge, IconGitBranch,
  IconHandStop, IconHourglass, IconListCheck, IconListDetails, IconLogout, IconMail, IconMailOff, IconMoon, IconRoute, IconShieldCheck, IconUserEdit, IconUsersGroup, IconUsersMinus,
  IconUsersPlus, IconWebhook, type Icon,
} from '@tabler/icons-react';
import looks from '../../activities.json';

const icons: Record<string, Icon> = {
  api: IconApi, 'arrows-shuffle': IconArrowsShuffle, 'arrows-split-2': IconArrowsSplit2, 'bell-ringing': IconBellRinging, bolt: IconBolt, 'calendar-event': IconCalendarEvent,
  'calendar-repeat': IconCalendarRepeat, clock: IconClock, flag: IconFlag, flask: IconFlask, gauge: IconGauge, 'git-branch': IconGitBranch, 'hand-stop': IconHandStop,
  hourglass: IconHourglass, 'list-check': IconListCheck, 'list-details': IconListDetails, logout: IconLogout, mail: IconMail, 'mail-off': IconMailOff, moon: IconMoon, route: IconRoute,
  'shield-check': IconShieldCheck, 'user-edit': IconUserEdit, 'users-group': IconUsersGroup, 'users-minus': IconUsersMinus, 'users-plus': IconUsersPlus, webhook: IconWebhook,
};

/** The icon and the colour of an activity, the same as in Studio. */
export function lookOf(type: string): { icon: Icon; color: string } {
  const look = (looks as Record<string, { icon: string; color: string } | undefined>)[type];
  return { icon: (look && icons[look.icon]) ?? IconBox, color: look?.color ?? '#4a5568' };
}
