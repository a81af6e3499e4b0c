// Two connections made one: what comes in on either goes out on the other, until both have ended.
//
// Threading: both sockets belong to one worker; so does the coroutine. Back-pressure is TCP's own: nothing
// more is read from one side until the other has taken what was read before.
#pragma once

#include "net/task_group.hpp"

namespace stadion::net {

// Ends when both directions have, or the group is cancelled.
void start_tunnel(task_group& group, tcp::socket one, tcp::socket other);

} // namespace stadion::net
