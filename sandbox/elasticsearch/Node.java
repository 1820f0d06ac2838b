import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.plugins.PluginsLoader;

/** One Elasticsearch node on the loopback, in one process: HOME DATA HTTP_PORT TRANSPORT_PORT. SIGTERM closes it. */
public final class Node {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]), data = Path.of(arguments[1]);
        Path config = Files.createDirectories(data.resolve("config"));
        Settings settings = Settings.builder()
            .put("path.home", home.toString())
            .put("path.data", data.resolve("data").toString())
            .put("path.logs", data.resolve("logs").toString())
            .put("cluster.name", "sandbox")
            .put("node.name", "sandbox")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[2])
            .put("transport.port", arguments[3])
            // A nearly full disk of this machine would make every index read-only.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        // Before any other class of Elasticsearch is loaded: each makes a logger.
        LogConfigurator.configureESLogging();
        LogConfigurator.configureWithoutConfig(settings);
        var environment = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> "sandbox");
        var modules = PluginsLoader.loadModulesBundles(environment.modulesDir());
        var plugins = PluginsLoader.createPluginsLoader(modules, Set.of(), Map.of(), false);
        var node = new org.elasticsearch.node.Node(environment, plugins);
        var closed = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.prepareForClose();
                node.close();
            } catch (Exception error) {
                error.printStackTrace();
            }
            closed.countDown();
        }));
        node.start();
        System.out.println("ready");
        closed.await();
    }
}
