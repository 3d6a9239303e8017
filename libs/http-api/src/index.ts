export { route, type Permission, type Route, type RouteInput, type RouteOutput } from "./route.ts";
