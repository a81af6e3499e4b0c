// The two views of the board, and who may see which.
//
// `shown` is what the public sees: while the board is frozen, the board as it stood then. `live` is the board
// as it is, for scorers. While the board is not frozen, both are the same.
#pragma once

#include "net/rpc/access.hpp"
#include "wire/proto/board.pb.h"

#include <cstdint>

namespace stadion::net {

struct http_request;

enum class board_view : std::uint8_t { shown, live };

// The view that a caller gets. By default it is the live view for a caller with a scorer's token, and the
// public view for everybody else, and for everybody on a server without tokens. Asking for the live view
// needs the role scorer or server; otherwise UNAUTHENTICATED or PERMISSION_DENIED.
wire::result<board_view> choose_view(const access_policy& access, role_set have, v1::BoardView asked);

// The same by the parameter `view`, which is `live`, `public` or absent.
wire::result<board_view> choose_view(const access_policy& access, const http_request& request);

} // namespace stadion::net
