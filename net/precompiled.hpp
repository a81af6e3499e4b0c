// What most files above the cores include, parsed once for all of them. Only the build includes this file:
// each source names what it uses itself.
#pragma once

#include "net/loop/asio.hpp"
#include "wire/proto/board.pb.h"
#include "wire/proto/database.pb.h"
#include "wire/proto/dispatcher.pb.h"
#include "wire/proto/frontend.pb.h"
#include "wire/proto/handshake.pb.h"
#include "wire/proto/peer.pb.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <nlohmann/json.hpp>
#include <prometheus/metric_family.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <thread>
#include <unordered_map>
#include <variant>
