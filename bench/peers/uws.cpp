// uws.cpp - uWebSockets as a peer of the benchmarks: /echo sends everything back, any other path to all others.
//
//	uws PORT        listens on 127.0.0.1
//
// Built by who has uWebSockets, outside of this tree: bench/README.md says how.
#include <cstdlib>
#include <string_view>

#include "App.h"

struct None {
};
using Message = std::string_view;

template <class Behavior>
static Behavior limits()
{
	Behavior behavior;
	behavior.compression = uWS::DISABLED;
	behavior.maxPayloadLength = 1 << 20;
	behavior.maxBackpressure = 4 << 20;
	behavior.idleTimeout = 120;
	return behavior;
}

int main(int argc, char **argv)
{
	uWS::App app;
	auto echo = limits<uWS::App::WebSocketBehavior<None>>();
	auto channel = limits<uWS::App::WebSocketBehavior<None>>();

	echo.message = [](auto *socket, Message message, uWS::OpCode opcode) { socket->send(message, opcode); };
	channel.open = [](auto *socket) { socket->subscribe("bench"); };
	channel.message = [](auto *socket, Message message, uWS::OpCode opcode) { socket->publish("bench", message, opcode); };
	app.ws<None>("/echo", std::move(echo))
		.ws<None>("/*", std::move(channel))
		.listen("127.0.0.1", argc > 1 ? std::atoi(argv[1]) : 0, [](auto *listening) {
			if (!listening)
				std::exit(1);
		})
		.run();
}
