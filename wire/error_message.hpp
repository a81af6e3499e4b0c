// An error as it goes over the wire, and back.
//
// The status code travels beside the message: in a reply's header, in an outcome's field.
#pragma once

#include "wire/proto/handshake.pb.h"
#include "wire/result.hpp"

namespace stadion::wire {

v1::Error to_message(const error& failure);
error to_error(status code, const v1::Error& message);

} // namespace stadion::wire
